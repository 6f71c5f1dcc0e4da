#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/profile.h"

namespace sandbox_run::cli {

enum class Action { run, plan, review, commit, discard, log, help, version };
enum class Output { words, json, quiet };

struct Options {
  Action action = Action::run;
  Output output = Output::words;
  std::string profile;  // "": found from the command
  std::string events;   // file or "fd:N"; "": only the state directory's
  policy::CommandLineRules rules;
  std::vector<std::string> command;   // what is run
  std::vector<std::string> operands;  // of a sub-command: [RUN] [PATHS…]
};

/// argv without the program's own name; `cwd` makes relative --ro and --rw paths absolute.
/// Everything from the first word that is no option, or after "--", is the command's own. Throws
/// UserError.
Options parse_options(const std::vector<std::string>& arguments, const std::string& cwd);

std::string help_text();

}  // namespace sandbox_run::cli
