#pragma once

#include <termios.h>

#include <csignal>

#include "base/unique_fd.h"

namespace sandbox_run::cli {

/// Signals that wait for as long as this exists: see sigprocmask(2).
class BlockedSignals {
 public:
  /// Throws SysError.
  explicit BlockedSignals(const sigset_t& signals);
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { let_in(); }
  /// Those that wait arrive now.
  void let_in() const;

 private:
  sigset_t before_{};
};

/// Single keys of a terminal, for as long as this exists: no line to be ended, no echo. Nothing is
/// drawn and nothing moved, so any terminal will do, also over ssh. See termios(3).
class Keyboard {
 public:
  /// Of descriptor `fd`, a terminal. Throws SysError.
  explicit Keyboard(int fd);
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;
  /// The terminal as it was.
  ~Keyboard();

  /// Ctrl-C, Ctrl-D, Ctrl-\, or the terminal is gone.
  static constexpr char kEnd = '\x04';
  /// After a Ctrl-Z and a return to the foreground, or a key that sends several bytes: ask again.
  static constexpr char kNothing = '\0';

  /// Throws away what was typed so far: a key that was pressed, or pushed into the terminal by a
  /// script, before a question was seen is no answer to it. Call before the question is printed.
  void forget() const;
  /// The next key.
  char read();

 private:
  void enter();
  void leave() noexcept;
  void die_of(int signal);
  void skip_sequence() const;

  int fd_;
  termios before_{};
  BlockedSignals blocked_;
  base::UniqueFd signals_;
};

}  // namespace sandbox_run::cli
