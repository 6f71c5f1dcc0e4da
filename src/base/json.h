#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

// JSON for the folders that speak it (events, policy, cli, watch): Boost.JSON, named here once.

namespace sandbox_run::base {

namespace json = boost::json;

/// nullopt if `text` is not JSON (depth and size are bounded by Boost.JSON's defaults).
std::optional<json::value> parse_json(std::string_view text);
/// One line. Bytes that are not UTF-8 must have been made printable before.
std::string to_json(const json::value& value);
/// The string member `key` of an object, or nullopt.
std::optional<std::string> string_member(const json::value& value, std::string_view key);

}  // namespace sandbox_run::base
