#pragma once

#include <string>
#include <vector>

namespace sandbox_run::cli {

/// What `help` knows besides the general help: the sub-commands.
std::vector<std::string> help_topics();

/// How a sub-command is used. Throws UserError for another word, naming the topic that is near.
std::string help_on(const std::string& topic);

}  // namespace sandbox_run::cli
