#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "events/chain.h"

namespace sandbox_run::events {

/// Opens where `--events` says: a path (created with mode 0600, appended to), or "fd:N", a
/// descriptor that this process was started with. A pipe is opened anew, non-blocking, so that a
/// reader that stands still does not stop the run. Throws UserError in words.
base::UniqueFd open_event_file(std::string_view where);

/// One place that event lines go to: a file, a pipe, a socket or a terminal. Never throws, never
/// raises SIGPIPE, and waits for a slow reader no longer than `patience` in the whole run: what
/// happens to the log must not change what happens to the command.
class EventFile {
 public:
  /// `state`: torn if the file ends in the middle of a line, which is then ended first.
  explicit EventFile(base::UniqueFd fd,
                     std::chrono::milliseconds patience = std::chrono::seconds(1),
                     FileState state = FileState::whole);

  /// Writes `line` (which ends in '\n') by one write(2). On failure the line is lost here.
  void write_line(std::string_view line);
  /// The first thing that went wrong, for people; nullopt: every line is written.
  const std::optional<std::string>& failure() const { return failure_; }

 private:
  enum class Kind { file, pipe, socket, terminal };

  bool wait_until_writable();
  long write_once(std::string_view bytes) const;
  void fail(int error_number);

  base::UniqueFd fd_;
  Kind kind_ = Kind::file;
  bool torn_ = false;  // the last write ended in the middle of a line
  std::chrono::milliseconds patience_;
  std::optional<std::string> failure_;
};

}  // namespace sandbox_run::events
