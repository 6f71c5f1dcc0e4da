#include "policy/editable.h"

#include <algorithm>
#include <array>
#include <boost/url/pct_string_view.hpp>

#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"

namespace sandbox_run::policy {
namespace {

constexpr std::string_view kModulePrefix = "__editable___";
constexpr std::string_view kModuleSuffix = "_finder";
constexpr std::string_view kPlaceholderEnd = " + \".__path_hook__\"";

/// SHA-256 of the template without its three values, of setuptools 64.0, 65.1.1, 65.3, 68.1.0,
/// 68.1.1, 68.2, 70 and 71 (to 84 at least): all that there were.
constexpr std::array<std::string_view, 8> kTemplates = {
    "1a95fa28d25656d4ad4b41405d4a5a4be5e697e37146bdfa1d2998804f29a41d",
    "d5470d5fb0b96f98f164b91ab3338a18c95bc273352dfd51d3db48bde142a1a1",
    "4a95e26097df28cf17ca22cd9df25c3e85f024e23c3b91eb0c9c369f2de0e2be",
    "8263994476751b826fb1afc24c7cc336bbac6c971971a3d97e975bbc82167c29",
    "fd097c156b41c2f0526006f04e29c49dc01b5084f1be725014ebce8fb3aa0eab",
    "567e9653639bc9567be9a95d33db89bac27d1621d9d42c70a644bf5c0a724873",
    "02647391af00c9958c3195918be7e44c48f5f474d90a42844278fb4ff451a9ab",
    "207dc3cecba47aab68f294ba0a8361d4693a9c9d6faa98dafd9819465989687c"};

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_';
  });
}

/// A literal of Python of strings, lists and dictionaries alone, as repr() writes it; strings with
/// a backslash are not read.
class Literal {
 public:
  explicit Literal(std::string_view text) : rest_(text) {}

  /// {'a': 'b', …} or {'a': ['b', …], …}: keys and values.
  bool read_dictionary(std::vector<std::string>& keys, std::vector<std::string>& values) {
    if (!take("{")) return false;
    if (take("}")) return rest_.empty();
    do {
      if (!read_string(keys) || !take(": ")) return false;
      if (!read_value(values)) return false;
    } while (take(", "));
    return take("}") && rest_.empty();
  }

  bool read_string(std::vector<std::string>& into) {
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) return false;
    const std::size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) return false;
    const std::string_view text = rest_.substr(1, end - 1);
    if (text.find('\\') != std::string_view::npos) return false;
    into.emplace_back(text);
    rest_.remove_prefix(end + 1);
    return true;
  }

  std::string_view rest() const { return rest_; }

 private:
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  bool read_value(std::vector<std::string>& values) {
    if (!take("[")) return read_string(values);
    if (take("]")) return true;
    do {
      if (!read_string(values)) return false;
    } while (take(", "));
    return take("]");
  }

  std::string_view rest_;
};

/// Python imports these by itself, wherever it finds them.
bool is_started(const std::string& module) {
  return module.starts_with("sitecustomize") || module.starts_with("usercustomize");
}

bool names(std::string_view text, const std::string& word) {
  return text.find("\"" + word + "\"") != std::string_view::npos ||
         text.find("'" + word + "'") != std::string_view::npos;
}

}  // namespace

bool names_extension(std::string_view build_file, std::string_view path) {
  if (!path.ends_with(".so")) return false;
  if (path.starts_with("src/")) path.remove_prefix(4);
  const std::size_t slash = path.rfind('/');
  const std::size_t name = slash == std::string_view::npos ? 0 : slash + 1;
  const std::string module(path.substr(0, path.find('.', name)));
  return names(build_file, base::replace_all(module, "/", "."));
}

std::optional<std::string> editable_finder_of(std::string_view path_file) {
  constexpr std::string_view kImport = "import ";
  const std::string_view line = base::trim(path_file);
  if (!line.starts_with(kImport)) return std::nullopt;
  const std::size_t end = line.find(';');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view module = line.substr(kImport.size(), end - kImport.size());
  if (!is_identifier(module) || !module.starts_with(kModulePrefix) ||
      !module.ends_with(kModuleSuffix)) {
    return std::nullopt;
  }
  std::string whole(kImport);
  whole.append(module).append("; ").append(module).append(".install()");
  return line == whole ? std::optional(std::string(module)) : std::nullopt;
}

std::optional<std::vector<std::string>> editable_finder_paths(std::string_view module) {
  constexpr std::array<std::string_view, 3> kNames = {"MAPPING", "NAMESPACES", "PATH_PLACEHOLDER"};
  std::string frame;  // the module without the three values
  std::vector<std::string> modules;
  std::vector<std::string> paths;
  std::size_t seen = 0;
  for (std::string& line : base::split(module, '\n')) {
    const bool is_value = seen < kNames.size() && line.starts_with(kNames[seen]);
    if (is_value) {
      const std::size_t at = line.find(" = ");
      if (at == std::string::npos) return std::nullopt;
      Literal literal(std::string_view(line).substr(at + 3));
      std::vector<std::string> name;
      const bool good = seen < 2 ? literal.read_dictionary(modules, paths)
                                 : literal.read_string(name) && literal.rest() == kPlaceholderEnd;
      if (!good) return std::nullopt;
      line.resize(at);
      ++seen;
    }
    frame.append(line).append("\n");
  }
  frame.pop_back();
  const std::string digest = base::sha256_hex(frame);
  const bool known = std::find(kTemplates.begin(), kTemplates.end(), digest) != kTemplates.end();
  if (!known || std::any_of(modules.begin(), modules.end(), is_started)) return std::nullopt;
  return paths;
}

std::string editable_directory(std::string_view direct_url) {
  constexpr std::string_view kScheme = "file://";
  const auto parsed = base::parse_json(direct_url);
  if (!parsed) return "";
  const std::string url = base::string_member(*parsed, "url").value_or("");
  const base::json::value* directory = base::find_member(*parsed, "dir_info");
  const base::json::value* editable =
      directory == nullptr ? nullptr : base::find_member(*directory, "editable");
  if (!url.starts_with(kScheme) || editable == nullptr || *editable != base::json::value(true)) {
    return "";
  }
  const auto path = boost::urls::make_pct_string_view(std::string_view(url).substr(kScheme.size()));
  return path ? path->decode() : "";
}

}  // namespace sandbox_run::policy
