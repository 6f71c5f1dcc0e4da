#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"
#include "policy/toml_table.h"

// What profiles and user configuration say in the same words.

namespace sandbox_run::policy {

/// Reads verdict, paths, reason, when_argument, unless_argument of one rule for a target of `kind`.
VerdictRule read_rule(const TomlTable& table, TargetKind kind);

/// Reads [[egress]]: host, ports, for, protocol, private; or registries and for.
NetworkPolicy read_egress(const TomlTable& root);

TargetKind read_kind(const TomlTable& table, TargetKind fallback);

/// TextChecks: "" or what is wrong.
std::string relative_glob_problem(const std::string& glob);
std::string absolute_path_problem(const std::string& path);

}  // namespace sandbox_run::policy
