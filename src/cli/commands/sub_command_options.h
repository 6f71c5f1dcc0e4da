#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/options.h"

namespace sandbox_run::cli {

bool is_sub_command(const std::string& word);
/// The one that `word` may have been meant for; "" if none is near.
std::string near_sub_command(const std::string& word);

/// `words`: the sub-command's name, then its own options and operands in any order; after "--"
/// operands alone, so that a path may begin with '-'. Fills action, operands, output, review and
/// prune. Throws UserError.
void read_sub_command(const std::vector<std::string>& words, Options& options);

/// "90", "90s", "15m", "2h", "14d". Throws UserError that names `option`.
std::chrono::seconds parse_time(const std::string& option, const std::string& text);

}  // namespace sandbox_run::cli
