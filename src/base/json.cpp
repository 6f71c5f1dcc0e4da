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

std::optional<std::string> string_member(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  if (object == nullptr) return std::nullopt;
  const json::value* member = object->if_contains(json::string_view(key.data(), key.size()));
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return std::string(member->get_string().c_str());
}

}  // namespace sandbox_run::base
