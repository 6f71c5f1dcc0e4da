#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <optional>
#include <string>

#include "base/json.h"

namespace sandbox_run::cli {

inline constexpr std::size_t kLongestLogLine = 1U << 20;  // ours are at most 64 KiB and a little

/// A line of a log, without its newline. `text` is at most kLongestLogLine bytes of it.
struct LogLine {
  std::string text;
  bool whole = true;  // not longer, and ended by a newline
};

/// Reads the next line. False at the end.
bool read_log_line(std::istream& in, LogLine& line);

/// The event that a line holds; nullopt if it holds none.
std::optional<base::json::object> parse_log_event(const LogLine& line);

/// Which events somebody asked for. The log may be forged: nothing in it is believed.
struct EventFilter {
  bool alerts_only = false;
  std::string actor;  // a package ("esbuild", "esbuild@0.25.0") or an actor in words; "": any
  bool accepts(const base::json::object& event) const;
};

}  // namespace sandbox_run::cli
