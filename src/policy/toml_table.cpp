#include "policy/toml_table.h"

#include <algorithm>

#include "base/sys_error.h"

namespace sandbox_run::policy {
namespace {

std::string at(const std::string& origin, const TomlNode::Position& position) {
  if (position.line == 0) return origin + ": ";
  return origin + ":" + std::to_string(position.line) + ":" + std::to_string(position.column) +
         ": ";
}

std::string_view type_name(TomlNode::Kind kind) {
  switch (kind) {
    case TomlNode::Kind::table:
      return "a table";
    case TomlNode::Kind::list:
      return "a list";
    case TomlNode::Kind::text:
      return "a string";
    case TomlNode::Kind::number:
    case TomlNode::Kind::real:
      return "a number";
    case TomlNode::Kind::flag:
      return "true or false";
    case TomlNode::Kind::time:
      return "a date or time";
  }
  return "nothing";
}

}  // namespace

const TomlNode* TomlTable::find(std::string_view key) const {
  const auto inside = tree_->inside(*table_);
  const auto found = std::lower_bound(
      inside.begin(), inside.end(), key,
      [&](const TomlNode& node, std::string_view wanted) { return tree_->key_of(node) < wanted; });
  return found != inside.end() && tree_->key_of(*found) == key ? &*found : nullptr;
}

void TomlTable::allow_only(const std::vector<std::string>& keys) const {
  for (const TomlNode& node : tree_->inside(*table_)) {
    const std::string_view key = tree_->key_of(node);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    const std::string nearest = base::nearest(std::string(key), keys);
    const std::string hint = nearest.empty() ? "; known here: " + base::join(keys, ", ")
                                             : "; did you mean '" + nearest + "'?";
    fail_at(node.key_at, "unknown key '" + base::printable(key) + "'" + hint);
  }
}

std::string TomlTable::checked(std::string_view key, const TomlNode& node,
                               const TextCheck& check) const {
  if (node.kind != TomlNode::Kind::text) fail_type(key, node, "a string");
  std::string text(tree_->text_of(node));
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  std::string wrong = control ? "control characters are not allowed here" : "";
  if (wrong.empty() && check) wrong = check(text);
  if (!wrong.empty()) fail_at(node.at, wrong);
  return text;
}

std::string TomlTable::text(std::string_view key, const TextCheck& check) const {
  const TomlNode* node = find(key);
  return node == nullptr ? "" : checked(key, *node, check);
}

std::string TomlTable::required_text(std::string_view key, const TextCheck& check) const {
  if (!has(key)) fail(key, "'" + std::string(key) + "' is missing here");
  std::string value = text(key, check);
  if (value.empty()) fail(key, "'" + std::string(key) + "' must not be empty");
  return value;
}

std::optional<bool> TomlTable::flag(std::string_view key) const {
  const TomlNode* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (node->kind != TomlNode::Kind::flag) fail_type(key, *node, "true or false");
  return node->number != 0;
}

std::optional<std::int64_t> TomlTable::number(std::string_view key) const {
  const TomlNode* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (node->kind != TomlNode::Kind::number) fail_type(key, *node, "a number");
  return node->number;
}

std::vector<std::string> TomlTable::texts(std::string_view key, const TextCheck& check) const {
  std::vector<std::string> result;
  const TomlNode* node = find(key);
  if (node == nullptr) return result;
  if (node->kind != TomlNode::Kind::list) fail_type(key, *node, "a list of strings");
  result.reserve(node->size);
  for (const TomlNode& element : tree_->inside(*node)) {
    result.push_back(checked(key, element, check));
  }
  return result;
}

std::vector<std::uint16_t> TomlTable::ports(std::string_view key) const {
  std::vector<std::uint16_t> result;
  const TomlNode* node = find(key);
  if (node == nullptr) return result;
  if (node->kind != TomlNode::Kind::list) fail_type(key, *node, "a list of ports");
  for (const TomlNode& element : tree_->inside(*node)) {
    if (element.kind != TomlNode::Kind::number) fail_type(key, element, "a list of ports");
    if (element.number < 1 || element.number > 65535) {
      fail_at(element.at, "a port is a number from 1 to 65535");
    }
    result.push_back(static_cast<std::uint16_t>(element.number));
  }
  return result;
}

std::optional<TomlTable> TomlTable::table(std::string_view key) const {
  const TomlNode* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (node->kind != TomlNode::Kind::table) {
    fail_type(key, *node, "a table, [" + std::string(key) + "]");
  }
  return TomlTable(*tree_, *node, *origin_);
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) const {
  std::vector<TomlTable> result;
  const TomlNode* node = find(key);
  if (node == nullptr) return result;
  const std::string wanted = "tables, [[" + std::string(key) + "]]";
  if (node->kind != TomlNode::Kind::list) fail_type(key, *node, wanted);
  for (const TomlNode& element : tree_->inside(*node)) {
    if (element.kind != TomlNode::Kind::table) fail_type(key, element, wanted);
    result.emplace_back(*tree_, element, *origin_);
  }
  return result;
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::string> result;
  for (const TomlNode& node : tree_->inside(*table_)) result.emplace_back(tree_->key_of(node));
  return result;
}

void TomlTable::fail(std::string_view key, const std::string& message) const {
  const TomlNode* node = find(key);
  fail_at((node == nullptr ? *table_ : *node).at, message);
}

void TomlTable::fail_at(const TomlNode::Position& position, const std::string& message) const {
  throw base::UserError(at(*origin_, position) + message);
}

void TomlTable::fail_type(std::string_view key, const TomlNode& node,
                          std::string_view wanted) const {
  fail_at(node.at, "'" + std::string(key) + "' must be " + std::string(wanted) + ", not " +
                       std::string(type_name(node.kind)));
}

}  // namespace sandbox_run::policy
