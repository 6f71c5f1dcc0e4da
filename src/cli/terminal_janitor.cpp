// Must:     hold nothing but the terminal and the pipe, so that whoever reads our output sees its
// end. Must not: read anything before it is told to: until then the command may want it.

#include "cli/terminal_janitor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include "cli/terminal_answers.h"
#include "sandbox/close_descriptors.h"

namespace sandbox_run::cli {
namespace {

constexpr int kDrainTime = 500;  // ms: a terminal that is stopped (^S) must not hold the end up

/// Asked with no key: who may not is told so (EIO, EPERM by a filter) before the kernel misses it.
/// Linux 6.2 and later have a setting, dev.tty.legacy_tiocsti.
bool may_put_back(int terminal) {
  return ::ioctl(terminal, TIOCSTI, nullptr) != 0 && errno == EFAULT;
}

/// As it came, without echo: what is put back was shown when it was typed.
std::string take_input(int terminal) {
  std::string input;
  std::array<char, 4096> buffer;  // NOLINT(*-member-init): the kernel fills it
  for (ssize_t got = 1; got > 0;) {
    got = ::read(terminal, buffer.data(), buffer.size());
    if (got > 0) input.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return input;
}

void tidy(int terminal) {
  termios modes{};
  if (::tcgetpgrp(terminal) != ::getpgrp() || ::tcgetattr(terminal, &modes) != 0 ||
      !may_put_back(terminal)) {
    return;
  }
  termios raw = modes;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ECHONL | ISIG | IEXTEN);
  raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL | INLCR | IGNCR);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  if (::tcsetattr(terminal, TCSANOW, &raw) != 0) return;
  for (const char letter : without_answers(take_input(terminal))) {
    if (::ioctl(terminal, TIOCSTI, &letter) != 0) break;
  }
  ::tcsetattr(terminal, TCSANOW, &modes);
}

[[noreturn]] void serve(int terminal, int orders, pid_t supervisor) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::getppid() != supervisor) ::_exit(0);
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGTTIN, SIGTTOU}) {
    ::signal(signal, SIG_IGN);
  }
  sandbox::close_all_but({terminal, orders});
  char order = 0;
  if (::read(orders, &order, 1) == 1) tidy(terminal);
  ::_exit(0);
}

}  // namespace

TerminalJanitor::TerminalJanitor() {
  const base::UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal || ::tcgetpgrp(terminal.get()) != ::getpgrp() || !may_put_back(terminal.get())) {
    return;
  }
  base::Pipe orders = base::make_pipe(0);
  const pid_t supervisor = ::getpid();
  process_ = ::fork();
  if (process_ == 0) serve(terminal.get(), orders.read_end.get(), supervisor);
  if (process_ > 0) order_ = std::move(orders.write_end);
}

TerminalJanitor::~TerminalJanitor() {
  if (process_ <= 0) return;
  (void)!::write(order_.get(), "", 1);
  order_.reset();
  const base::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process_, 0)));
  pollfd ended{pidfd.get(), POLLIN, 0};
  const bool has_ended = pidfd && ::poll(&ended, 1, kDrainTime) == 1;
  if (!has_ended && ::kill(process_, SIGKILL) != 0) return;  // it dies with us
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace sandbox_run::cli
