#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace sandbox_run::policy {

/// Pure. The directories at the root of a target of `kind` that the command (`arguments`: its argv)
/// is known to empty before anything else. Only if its first argument is the rule's sub-command and
/// all others are known; and never if a failed command is committed, for a command that fails early
/// would have left them as they were.
std::vector<std::string> hidden_directories(const Policy& policy, TargetKind kind,
                                            const std::vector<std::string>& arguments);

/// Does the command only read the project (Policy::reading_commands)? By its first word, so that an
/// option's value is not taken for it.
bool only_reads(const Policy& policy, const std::vector<std::string>& arguments);

}  // namespace sandbox_run::policy
