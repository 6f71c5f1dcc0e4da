#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace sandbox_run::policy {

/// The words of a command line that say what is asked for: the program's base name and the
/// operands, without options and the values of those that are known to take one. Pure.
std::vector<std::string> command_words(const std::vector<std::string>& arguments);

/// Does one of the rule's patterns fit, and none of its exceptions? A pattern is a list of globs,
/// one for each word; words after it are of no account: "npm run" fits `npm -w a run build`.
bool holds_for(const CommandRule& rule, const std::vector<std::string>& arguments);

/// Do these words make a package manager of an interpreter? See Policy::manages. `bun -e TEXT add`
/// runs the text, whatever follows.
bool holds_for_manager(const CommandRule& manages, const std::vector<std::string>& arguments);

/// Is the command, `policy`'s program with these words, a package manager? See Policy::manages.
bool manages_packages(const Policy& policy, const std::vector<std::string>& arguments);

}  // namespace sandbox_run::policy
