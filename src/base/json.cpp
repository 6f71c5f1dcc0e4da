#include "base/json.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace sandbox_run::base {

std::optional<json::value> parse_json(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return std::nullopt;
  return value;
}

std::string to_json(const json::value& value) { return json::serialize(value); }

const json::value* find_member(const json::object& object, std::string_view key) {
  return object.if_contains(json::string_view(key.data(), key.size()));
}

const json::value* find_member(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : find_member(*object, key);
}

std::optional<std::string> string_member(const json::object& object, std::string_view key) {
  const json::value* member = find_member(object, key);
  const json::string* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::nullopt : std::optional<std::string>(*text);
}

std::optional<std::string> string_member(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? std::nullopt : string_member(*object, key);
}

std::optional<std::uint64_t> number_member(const json::object& object, std::string_view key) {
  const json::value* member = find_member(object, key);
  if (member == nullptr) return std::nullopt;
  if (const auto* number = member->if_uint64()) return *number;
  const auto* number = member->if_int64();
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::optional<std::uint64_t> number_member(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? std::nullopt : number_member(*object, key);
}

std::vector<std::string> string_list(const json::object& object, std::string_view key) {
  std::vector<std::string> strings;
  const json::value* member = find_member(object, key);
  if (member == nullptr || !member->is_array()) return strings;
  for (const json::value& element : member->get_array()) {
    if (const json::string* text = element.if_string()) strings.emplace_back(*text);
  }
  return strings;
}

}  // namespace sandbox_run::base
