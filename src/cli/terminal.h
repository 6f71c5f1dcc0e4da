#pragma once

#include <termios.h>

#include <chrono>

#include "base/unique_fd.h"
#include "sandbox/launch.h"

namespace sandbox_run::cli {

/// Job control for a command that runs in a process group of its own: what a shell does for a job.
///
/// The sandboxee starts as a background group. A terminal's Ctrl-C, Ctrl-Z and resize reach our own
/// group (as the rest of a pipeline they belong to) and are passed on. When the sandboxee wants to
/// read the terminal (it stops with SIGTTIN) it gets the foreground. See tcsetpgrp(3), setpgid(2),
/// "Implementing a Job Control Shell" in the glibc manual.
class TerminalControl {
 public:
  /// What to do when a command stops itself and there is no terminal: stop with it, as any parent
  /// would expect, or go on, because a time limit has to be kept.
  enum class WithoutTerminal { stop, go_on };
  TerminalControl(sandbox::RunningSandbox& sandbox, WithoutTerminal without_terminal);
  TerminalControl(const TerminalControl&) = delete;
  TerminalControl& operator=(const TerminalControl&) = delete;
  /// Takes the terminal back, as it was: foreground group and modes.
  ~TerminalControl();

  /// A signal that we were sent: pass it on.
  void forward(int signal);
  /// The sandboxee was stopped by `signal`.
  void on_stopped(int signal);

 private:
  bool we_are_foreground() const;
  void promote();
  void take_back();
  void stop_ourselves();

  sandbox::RunningSandbox& sandbox_;
  WithoutTerminal without_terminal_;
  base::UniqueFd terminal_;
  bool was_foreground_ = false;  // at the start
  termios modes_{};              // then; valid if was_foreground_
  bool promoted_ = false;
  std::chrono::steady_clock::time_point promoted_at_{};
  /// When a Ctrl-Z was last passed on: the sandboxee may just then have stopped to read.
  std::chrono::steady_clock::time_point stop_asked_{};
};

}  // namespace sandbox_run::cli
