#pragma once

#include <array>

#include "cli/options.h"

namespace sandbox_run::cli {

/// Which of 0, 1 and 2 the caller had closed.
using ClosedStreams = std::array<bool, 3>;

/// One run of a command, from its preparation to its summary; returns the exit code. Throws what
/// main_function() tells.
int run(const Options& options, const ClosedStreams& closed);

}  // namespace sandbox_run::cli
