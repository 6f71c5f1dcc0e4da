#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "cli/log/explain.h"

// What explanations are made of: members of an event, TOML, command lines.

namespace sandbox_run::cli {

/// A member of the event's details; "" if there is none.
std::string detail(const base::json::object& event, std::string_view key);
/// `fallback` for none, and for 0.
std::uint64_t number_detail(const base::json::object& event, std::string_view key,
                            std::uint64_t fallback);
/// A string as TOML, if it is one that the log did not have to change.
std::optional<std::string> toml_string(const std::string& text);
/// The header of a table `name` of the run's profile in config.toml; "": of the profile itself.
std::string table(const ExplainedRun& run, const std::string& name);
/// The same command with these options more.
std::string once_with(const ExplainedRun& run, const std::vector<std::string>& options);

}  // namespace sandbox_run::cli
