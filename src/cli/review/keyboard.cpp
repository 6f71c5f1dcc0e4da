#include "cli/review/keyboard.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/sys_error.h"

namespace sandbox_run::cli {
namespace {

constexpr int kSequenceMilliseconds = 30;  // the rest of an arrow key, also over a slow line

constexpr char kCtrlC = '\x03';
constexpr char kCtrlBackslash = '\x1c';
constexpr char kCtrlZ = '\x1a';
constexpr char kEscapeKey = '\x1b';

/// What a person or a system ends us by: it must not leave the terminal without echo.
sigset_t ending_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::sigaddset(&signals, signal);
  return signals;
}

base::UniqueFd watch(const sigset_t& signals) {
  return base::UniqueFd(base::check_sys(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK),
                                        "watching for signals"));
}

}  // namespace

BlockedSignals::BlockedSignals(const sigset_t& signals) {
  base::check_sys(::sigprocmask(SIG_BLOCK, &signals, &before_), "blocking signals");
}

void BlockedSignals::let_in() const { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

Keyboard::Keyboard(int fd)
    : fd_(fd), blocked_(ending_signals()), signals_(watch(ending_signals())) {
  base::check_sys(::tcgetattr(fd_, &before_), "reading the terminal's modes");
  enter();
}

Keyboard::~Keyboard() { leave(); }

void Keyboard::enter() {
  termios single = before_;
  single.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
  single.c_cc[VMIN] = 1;
  single.c_cc[VTIME] = 0;
  base::check_sys(::tcsetattr(fd_, TCSADRAIN, &single), "setting the terminal to single keys");
}

void Keyboard::leave() noexcept { ::tcsetattr(fd_, TCSADRAIN, &before_); }

void Keyboard::die_of(int signal) {
  leave();
  blocked_.let_in();
  ::raise(signal);  // one that is ignored (nohup) comes back
}

void Keyboard::skip_sequence() const {
  std::array<char, 64> rest;
  pollfd readable{fd_, POLLIN, 0};
  while (::poll(&readable, 1, kSequenceMilliseconds) == 1 &&
         ::read(fd_, rest.data(), rest.size()) > 0) {
  }
}

void Keyboard::forget() const { ::tcflush(fd_, TCIFLUSH); }

char Keyboard::read() {
  while (true) {
    std::array<pollfd, 2> waiting{{{fd_, POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return kEnd;
    }
    if ((waiting[1].revents & POLLIN) != 0) {
      signalfd_siginfo info{};
      if (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        die_of(static_cast<int>(info.ssi_signo));
      }
      return kEnd;
    }
    char key = kEnd;
    const ssize_t got = ::read(fd_, &key, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got != 1 || key == kCtrlC || key == kCtrlBackslash) return kEnd;
    if (key == kCtrlZ) {
      leave();
      ::raise(SIGTSTP);
      enter();
      return kNothing;
    }
    if (key != kEscapeKey) return key;
    skip_sequence();
    return kNothing;
  }
}

}  // namespace sandbox_run::cli
