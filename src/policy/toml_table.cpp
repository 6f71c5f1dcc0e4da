#include "policy/toml_table.h"

#include <algorithm>
#include <sstream>

#include "base/sys_error.h"

namespace sandbox_run::policy {
namespace {

constexpr std::size_t kMaxDocument = 1U << 20;

std::string at(const std::string& origin, const toml::source_position& position) {
  return origin + ":" + std::to_string(position.line) + ":" + std::to_string(position.column) +
         ": ";
}

std::string_view type_name(toml::node_type type) {
  switch (type) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
      return "a date or time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

}  // namespace

TomlDocument::TomlDocument(std::string_view text, const std::string& origin)
    : origin_(base::printable(origin)) {
  if (text.size() > kMaxDocument) {
    throw base::UserError(origin_ + ": larger than a megabyte");
  }
  try {
    table_ = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw base::UserError(at(origin_, error.source().begin) + base::printable(error.description()));
  } catch (const FailedTomlCheck&) {
    throw base::UserError(origin_ + ": not TOML: look for a table whose name is none, as in [=]");
  }
}

void TomlTable::allow_only(const std::vector<std::string>& keys) const {
  for (const auto& [key, value] : *table_) {
    if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
    const std::string nearest = base::nearest(key.str(), keys);
    const std::string hint = nearest.empty() ? "; known here: " + base::join(keys, ", ")
                                             : "; did you mean '" + nearest + "'?";
    fail_at(key.source().begin, "unknown key '" + base::printable(key.str()) + "'" + hint);
  }
}

std::string TomlTable::checked(std::string_view key, const toml::node& node,
                               const TextCheck& check) const {
  const auto* value = node.as_string();
  if (value == nullptr) fail_type(key, node, "a string");
  std::string text = value->get();
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  std::string wrong = control ? "control characters are not allowed here" : "";
  if (wrong.empty() && check) wrong = check(text);
  if (!wrong.empty()) fail_at(node.source().begin, wrong);
  return text;
}

std::string TomlTable::text(std::string_view key, const TextCheck& check) const {
  const toml::node* node = table_->get(key);
  return node == nullptr ? "" : checked(key, *node, check);
}

std::string TomlTable::required_text(std::string_view key, const TextCheck& check) const {
  if (!has(key)) fail(key, "'" + std::string(key) + "' is missing here");
  std::string value = text(key, check);
  if (value.empty()) fail(key, "'" + std::string(key) + "' must not be empty");
  return value;
}

std::optional<bool> TomlTable::flag(std::string_view key) const {
  const toml::node* node = table_->get(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_boolean();
  if (value == nullptr) fail_type(key, *node, "true or false");
  return value->get();
}

std::optional<std::int64_t> TomlTable::number(std::string_view key) const {
  const toml::node* node = table_->get(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_integer();
  if (value == nullptr) fail_type(key, *node, "a number");
  return value->get();
}

std::vector<std::string> TomlTable::texts(std::string_view key, const TextCheck& check) const {
  std::vector<std::string> result;
  const toml::node* node = table_->get(key);
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  if (array == nullptr) fail_type(key, *node, "a list of strings");
  for (const toml::node& element : *array) result.push_back(checked(key, element, check));
  return result;
}

std::vector<std::uint16_t> TomlTable::ports(std::string_view key) const {
  std::vector<std::uint16_t> result;
  const toml::node* node = table_->get(key);
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  if (array == nullptr) fail_type(key, *node, "a list of ports");
  for (const toml::node& element : *array) {
    const auto* value = element.as_integer();
    if (value == nullptr) fail_type(key, element, "a list of ports");
    if (value->get() < 1 || value->get() > 65535) {
      fail_at(element.source().begin, "a port is a number from 1 to 65535");
    }
    result.push_back(static_cast<std::uint16_t>(value->get()));
  }
  return result;
}

std::optional<TomlTable> TomlTable::table(std::string_view key) const {
  const toml::node* node = table_->get(key);
  if (node == nullptr) return std::nullopt;
  if (node->as_table() == nullptr) {
    fail_type(key, *node, "a table, [" + std::string(key) + "]");
  }
  return TomlTable(*node->as_table(), *origin_);
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) const {
  std::vector<TomlTable> result;
  const toml::node* node = table_->get(key);
  if (node == nullptr) return result;
  const std::string wanted = "tables, [[" + std::string(key) + "]]";
  const toml::array* array = node->as_array();
  if (array == nullptr) fail_type(key, *node, wanted);
  for (const toml::node& element : *array) {
    if (element.as_table() == nullptr) fail_type(key, element, wanted);
    result.emplace_back(*element.as_table(), *origin_);
  }
  return result;
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::string> result;
  for (const auto& [key, value] : *table_) result.emplace_back(key.str());
  return result;
}

void TomlTable::fail(std::string_view key, const std::string& message) const {
  const toml::node* node = table_->get(key);
  fail_at((node == nullptr ? table_->source() : node->source()).begin, message);
}

void TomlTable::fail_at(const toml::source_position& position, const std::string& message) const {
  throw base::UserError(at(*origin_, position) + message);
}

void TomlTable::fail_type(std::string_view key, const toml::node& node,
                          std::string_view wanted) const {
  fail_at(node.source().begin, "'" + std::string(key) + "' must be " + std::string(wanted) +
                                   ", not " + std::string(type_name(node.type())));
}

}  // namespace sandbox_run::policy
