#include "cli/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace sandbox_run::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kStopArrives{1};  // from passing a Ctrl-Z on to the stop's report
/// For so long after it was given the terminal, a report may come that it had stopped to read.
constexpr std::chrono::milliseconds kLateReport{100};

/// Runs `act` while `signal` is ignored.
template <typename Act>
void while_ignoring(int signal, Act act) {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before {};
  ::sigaction(signal, &ignore, &before);
  act();
  ::sigaction(signal, &before, nullptr);
}

}  // namespace

TerminalControl::TerminalControl(sandbox::RunningSandbox& sandbox, WithoutTerminal without_terminal)
    : sandbox_(sandbox),
      without_terminal_(without_terminal),
      terminal_(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) {
  was_foreground_ = we_are_foreground() && ::tcgetattr(terminal_.get(), &modes_) == 0;
}

TerminalControl::~TerminalControl() {
  if (!was_foreground_) return;
  // Whatever the sandboxee did to the terminal: a dead group in the foreground would make the
  // caller's next read fail, a raw or silent mode would stay.
  while_ignoring(SIGTTOU, [&] {
    if (!we_are_foreground()) ::tcsetpgrp(terminal_.get(), ::getpgrp());
    // Now: to wait for output that somebody has stopped (^S) would have no end.
    ::tcsetattr(terminal_.get(), TCSANOW, &modes_);
  });
}

bool TerminalControl::we_are_foreground() const {
  return terminal_ && ::tcgetpgrp(terminal_.get()) == ::getpgrp();
}

void TerminalControl::promote() {
  sandbox_.give_foreground();
  promoted_ = true;
  promoted_at_ = steady_clock::now();
}

void TerminalControl::take_back() {
  if (!promoted_) return;
  promoted_ = false;
  // From a background group this call would stop us, but for ignoring SIGTTOU.
  while_ignoring(SIGTTOU, [&] { ::tcsetpgrp(terminal_.get(), ::getpgrp()); });
}

void TerminalControl::stop_ourselves() {
  const bool was_promoted = promoted_;
  take_back();
  // The rest of our pipeline stops with us, as with a plain Ctrl-Z. Our own handler must not see
  // it.
  if (was_promoted) while_ignoring(SIGTSTP, [] { ::kill(0, SIGTSTP); });
  ::raise(SIGSTOP);
  // Here somebody continued us (fg, bg, kill -CONT).
  if (was_promoted && we_are_foreground()) return promote();
  sandbox_.signal_group(SIGCONT);
}

void TerminalControl::forward(int signal) {
  if (signal == SIGTSTP) stop_asked_ = steady_clock::now();
  switch (signal) {
    case SIGINT:
    case SIGQUIT:
    case SIGTSTP:
    case SIGWINCH:
    case SIGCONT:
      sandbox_.signal_group(signal);  // what a terminal sends to a whole group
      break;
    default:
      sandbox_.signal_process(signal);
  }
}

void TerminalControl::on_stopped(int signal) {
  // A continue would throw away a Ctrl-Z that is on its way to a group that has stopped by itself.
  const bool asked = steady_clock::now() - stop_asked_ < kStopArrives;
  stop_asked_ = {};
  if ((signal == SIGTTIN || signal == SIGTTOU) && !asked) {
    if (we_are_foreground()) return promote();
    // Continued twice, by us and by the shell's `fg`, it may stop twice before it has the terminal.
    if (promoted_ && steady_clock::now() - promoted_at_ < kLateReport) {
      return sandbox_.signal_group(SIGCONT);
    }
  }
  if (terminal_ || without_terminal_ == WithoutTerminal::stop) stop_ourselves();
}

}  // namespace sandbox_run::cli
