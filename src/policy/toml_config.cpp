#include "policy/toml_config.h"

#include <algorithm>
#include <sstream>

#include "policy/environment.h"
#include "policy/glob.h"
#include "policy/secret_value.h"
#include "policy/toml_parser.h"

namespace sandbox_run::policy {
namespace {

class TomlFilter {
 public:
  explicit TomlFilter(const HomeFile& file) : file_(file) {}

  // NOLINTNEXTLINE(misc-no-recursion): as deep as toml++ parses
  void strip_table(toml::table& table, const std::string& above) const {
    std::vector<std::string> unwanted;
    for (auto&& [key, node] : table) {
      const std::string name(key.str());
      const std::string path = above + name;
      if (name_matches_any(file_.drop_keys, name) ||
          (node.as_table() == nullptr && !name_matches_any(file_.keep_keys, path))) {
        unwanted.push_back(name);
      } else {
        strip(node, path + '.');
      }
    }
    for (const std::string& name : unwanted) table.erase(name);
  }

 private:
  // NOLINTNEXTLINE(misc-no-recursion): as above
  void strip(toml::node& node, const std::string& above) const {
    if (auto* table = node.as_table()) strip_table(*table, above);
    if (auto* text = node.as_string()) {
      // Whatever its key is called.
      *text = has_token_form(text->get()) ? std::string() : without_url_credentials(text->get());
    }
    if (auto* list = node.as_array()) {
      for (toml::node& element : *list) strip(element, above);
    }
  }

  const HomeFile& file_;
};

}  // namespace

std::string kept_toml(const HomeFile& file, std::string_view text) {
  try {
    toml::table table = toml::parse(text);
    TomlFilter(file).strip_table(table, "");
    std::ostringstream out;
    out << table << '\n';
    return out.str();
  } catch (const toml::parse_error&) {
    return {};
  } catch (const FailedTomlCheck&) {
    return {};
  }
}

}  // namespace sandbox_run::policy
