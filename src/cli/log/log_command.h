#pragma once

#include <functional>
#include <string>

#include "cli/options.h"

namespace sandbox_run::cli {

/// The directory of the run that a name means, "" for the newest. Throws UserError.
using FindRun = std::function<std::string(const std::string& name)>;

/// `sandbox-run log [RUN|FILE]`: prints a log, follows it, or checks its chain of digests. FILE is
/// what has a '/' in it. Returns the exit code. Throws UserError.
int log_command(const Options& options, const FindRun& find_run);

/// `sandbox-run explain [RUN|FILE] [EVENT|last]`.
int explain_command(const Options& options, const FindRun& find_run);

/// The log file that the words before the event name. Throws UserError.
std::string log_file_of(const std::string& name, const FindRun& find_run);

}  // namespace sandbox_run::cli
