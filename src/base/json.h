#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// JSON for the folders that speak it (events, policy, cli, watch): Boost.JSON, named here once.

namespace sandbox_run::base {

namespace json = boost::json;

/// nullopt if `text` is not JSON (depth and size are bounded by Boost.JSON's defaults).
std::optional<json::value> parse_json(std::string_view text);
/// One line. Bytes that are not UTF-8 must have been made printable before.
std::string to_json(const json::value& value);

// Members of an object; a value that is no object has none.

/// The member `key`; nullptr if there is none.
const json::value* find_member(const json::object& object, std::string_view key);
const json::value* find_member(const json::value& value, std::string_view key);
/// The member `key` if it is a string, or nullopt.
std::optional<std::string> string_member(const json::object& object, std::string_view key);
std::optional<std::string> string_member(const json::value& value, std::string_view key);
/// The member `key` if it is an integer that is not negative, or nullopt.
std::optional<std::uint64_t> number_member(const json::object& object, std::string_view key);
std::optional<std::uint64_t> number_member(const json::value& value, std::string_view key);
/// The strings in the list that is member `key`; what else is in it is passed over.
std::vector<std::string> string_list(const json::object& object, std::string_view key);

}  // namespace sandbox_run::base
