#pragma once

#include <istream>
#include <ostream>
#include <string>

namespace sandbox_run::cli {

/// Shows an event log (man/sandbox-run-events.5) to a person: alerts first, then a line per event,
/// grouped by actor, in the order in which they appeared. The log may be damaged or forged: lines
/// that are no events are counted, lengths and numbers are bounded, and no byte of it reaches the
/// terminal as a control character.
void show_log(std::istream& log, std::ostream& out);

/// As show_log for a file. False, and a line that says why, if it cannot be read.
bool print_log(const std::string& path, std::ostream& out);

}  // namespace sandbox_run::cli
