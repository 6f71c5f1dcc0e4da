#include <algorithm>
#include <sstream>

#include "base/sys_error.h"
#include "policy/toml_parser.h"
#include "policy/toml_table.h"

namespace sandbox_run::policy {
namespace {

constexpr std::size_t kMaxDocument = 1U << 20;

TomlNode::Position position_of(const toml::source_position& position) {
  return {position.line, position.column};
}

/// toml++'s tree → ours.
class Copy {
 public:
  Copy(std::string& texts, std::vector<TomlNode>& nodes) : texts_(texts), nodes_(nodes) {}

  void root(const toml::table& table) {
    nodes_.emplace_back();
    fill(0, table);
  }

 private:
  // NOLINTNEXTLINE(misc-no-recursion): as deep as toml++ parses
  void fill(std::size_t at, const toml::node& from) {
    TomlNode node = nodes_[at];
    node.at = position_of(from.source().begin);
    if (const auto* text = from.as_string()) {
      node.kind = TomlNode::Kind::text;
      std::tie(node.first, node.size) = add(text->get());
    } else if (const auto* number = from.as_integer()) {
      node.kind = TomlNode::Kind::number;
      node.number = number->get();
    } else if (const auto* flag = from.as_boolean()) {
      node.kind = TomlNode::Kind::flag;
      node.number = flag->get() ? 1 : 0;
    } else if (from.as_table() != nullptr || from.as_array() != nullptr) {
      node.kind = from.is_table() ? TomlNode::Kind::table : TomlNode::Kind::list;
      node.first = static_cast<std::uint32_t>(nodes_.size());
    } else {
      node.kind = from.is_floating_point() ? TomlNode::Kind::real : TomlNode::Kind::time;
    }
    nodes_[at] = node;
    if (const auto* table = from.as_table()) fill_table(at, *table);
    if (const auto* list = from.as_array()) fill_list(at, *list);
  }

  // NOLINTNEXTLINE(misc-no-recursion): as above
  void fill_table(std::size_t at, const toml::table& table) {
    std::vector<std::pair<const toml::key*, const toml::node*>> members;
    for (const auto& [key, value] : table) members.emplace_back(&key, &value);
    std::sort(members.begin(), members.end(), [](const auto& one, const auto& other) {
      return one.first->str() < other.first->str();
    });
    const std::size_t first = take(at, members.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      std::tie(nodes_[first + i].key, nodes_[first + i].key_size) = add(members[i].first->str());
      nodes_[first + i].key_at = position_of(members[i].first->source().begin);
      fill(first + i, *members[i].second);
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion): as above
  void fill_list(std::size_t at, const toml::array& list) {
    const std::size_t first = take(at, list.size());
    for (std::size_t i = 0; i < list.size(); ++i) fill(first + i, list[i]);
  }

  std::size_t take(std::size_t at, std::size_t count) {
    nodes_[at].size = static_cast<std::uint32_t>(count);
    nodes_.resize(nodes_.size() + count);
    return nodes_.size() - count;
  }

  std::pair<std::uint32_t, std::uint32_t> add(std::string_view text) {
    const auto at = static_cast<std::uint32_t>(texts_.size());
    texts_ += text;
    return {at, static_cast<std::uint32_t>(text.size())};
  }

  std::string& texts_;
  std::vector<TomlNode>& nodes_;
};

}  // namespace

TomlDocument::TomlDocument(std::string_view text, const std::string& origin)
    : origin_(base::printable(origin)) {
  if (text.size() > kMaxDocument) {
    throw base::UserError(origin_ + ": larger than a megabyte");
  }
  try {
    Copy(texts_, nodes_).root(toml::parse(text));
  } catch (const toml::parse_error& error) {
    const toml::source_position& at = error.source().begin;
    throw base::UserError(origin_ + ":" + std::to_string(at.line) + ":" +
                          std::to_string(at.column) + ": " + base::printable(error.description()));
  } catch (const FailedTomlCheck&) {
    throw base::UserError(origin_ + ": not TOML: look for a table whose name is none, as in [=]");
  }
  tree_ = {texts_, nodes_};
}

}  // namespace sandbox_run::policy
