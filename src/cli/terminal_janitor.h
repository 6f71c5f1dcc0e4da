#pragma once

#include <sys/types.h>

#include "base/unique_fd.h"

namespace sandbox_run::cli {

/// Takes out of the terminal's input what it answered to somebody inside who asked and did not read
/// (ESC[6n): the shell would take it for typed. What was typed ahead is put back (TIOCSTI,
/// ioctl_tty(2)), which the supervisor itself may not do; so this is a process of its own, made
/// before that is confined, which waits for one word.
///
/// Nothing is done where no terminal is ours, or where nobody lets us put anything back
/// (dev.tty.legacy_tiocsti = 0, a sandbox around this one): to lose what was typed would be worse.
class TerminalJanitor {
 public:
  TerminalJanitor();
  TerminalJanitor(const TerminalJanitor&) = delete;
  TerminalJanitor& operator=(const TerminalJanitor&) = delete;
  /// The terminal has its modes and its foreground group again.
  ~TerminalJanitor();

 private:
  base::UniqueFd order_;
  pid_t process_ = -1;
};

}  // namespace sandbox_run::cli
