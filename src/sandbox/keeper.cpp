// The sandboxee's parent: enters the namespaces that init has set up, starts the sandboxee,
// forwards signals, reports its end. Beside the sandbox's pid namespace, not in it: nobody inside
// sees it.
//
// Not init, which mounts, and nobody in a Landlock domain may: the sandboxee has to descend from
// the supervisor's domain, or the supervisor could not look into it any more (landlock(7), "Ptrace
// restrictions").
//
// Must:     outlive the sandboxee, even if the supervisor dies: init's own end waits until somebody
//           has reaped it. Hold no capability while the sandboxee runs.
// Must not: decide anything.

#include "sandbox/keeper.h"

#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

#include "base/io.h"
#include "base/program_text.h"
#include "base/sys_error.h"
#include "sandbox/capabilities.h"
#include "sandbox/close_descriptors.h"
#include "sandbox/control_message.h"
#include "sandbox/sandboxee.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/step_table.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenLooks{10};
constexpr std::chrono::seconds kSameSignal{1};  // that the supervisor and we have got
constexpr std::chrono::seconds kToTidyUp{5};    // as after the time limit

/// It is a copy of the supervisor's process, with all that is open there.
void close_supervisors_descriptors(const ChildContext& context) {
  const StandardStreams& streams = context.streams;
  std::vector<int> kept{context.control, context.status, context.terminal,  streams.input,
                        streams.output,  streams.error,  context.root.get()};
  for (const base::UniqueFd& space : context.namespaces) kept.push_back(space.get());
  close_all_but(std::move(kept));
}

void enter_namespaces(ChildContext& context) {
  // The user namespace is the first: it gives the right to enter the others.
  for (const base::UniqueFd& space : context.namespaces) {
    check_sys(::setns(space.get(), 0), "entering the sandbox's namespaces");
  }
  context.namespaces.clear();
  // A mount over the root (a home that is "/") would be the root now, not what init has for it.
  check_sys(::fchdir(context.root.get()), "entering the sandbox's root");
  check_sys(::chroot("."), "entering the sandbox's root");
  context.root.reset();
}

void report(int control, SandboxeeReport::Kind kind, int value) {
  const SandboxeeReport message{kind, value};
  base::send_fds(control, {reinterpret_cast<const char*>(&message), sizeof message}, {});
}

/// The sandboxee and what is sent to it, until it has ended.
class Keeper {
 public:
  Keeper(int control, int signals, int terminal, pid_t sandboxee)
      : control_(control), signals_(signals), terminal_(terminal), sandboxee_(sandboxee) {}

  void serve() {
    std::array<pollfd, 2> polled{pollfd{control_, POLLIN, 0}, pollfd{signals_, POLLIN, 0}};
    while (true) {
      // EINTR: what it was is found below.
      ::poll(polled.data(), polled.size(), end_ ? static_cast<int>(kBetweenLooks.count()) : -1);
      take_signals();
      reap();
      ControlCommand command{};
      const ssize_t got = ::recv(control_, &command, sizeof command, MSG_DONTWAIT);
      if (got == sizeof command) obey(command);
      if (got == 0) return;  // the supervisor is gone: init dies of it, and the sandboxee with init
      if (!end_ || goes_on()) continue;
      report(control_, end_->kind, end_->value);
      return;
    }
  }

 private:
  /// A signal to the caller's whole process group reaches us, too: we are in it, and the kernel has
  /// sent it to all before anyone runs on. One to the supervisor alone does not.
  void take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo < came_.size()) came_[info.ssi_signo] = steady_clock::now();
    }
  }

  bool came_to_all(int signal) {
    take_signals();
    const steady_clock::time_point came =
        std::exchange(came_.at(static_cast<std::size_t>(signal)), {});
    return steady_clock::now() - came < kSameSignal;
  }

  /// It can make more children for us (CLONE_PARENT).
  void reap() {
    int status = 0;
    pid_t pid = -1;
    while ((pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
      if (pid != sandboxee_) continue;
      if (WIFSTOPPED(status)) {
        report(control_, SandboxeeReport::Kind::stopped, WSTOPSIG(status));
      } else if (WIFEXITED(status)) {
        end_ = {SandboxeeReport::Kind::exited, WEXITSTATUS(status)};
      } else {
        end_ = {SandboxeeReport::Kind::killed, WTERMSIG(status)};
      }
    }
  }

  void obey(const ControlCommand& command) {
    switch (command.kind) {
      case ControlCommand::Kind::signal_process:
        if (came_to_all(command.value)) {
          asked_ = true;
          signal_group(command.value);
        } else if (!end_) {
          ::kill(sandboxee_, command.value);  // it may just have ended: nothing to do then
        }
        break;
      case ControlCommand::Kind::signal_group:
        signal_group(command.value);
        break;
      case ControlCommand::Kind::give_foreground:
        // SIGTTOU is blocked here, so a background process may do it (tcsetpgrp(3)). A Ctrl-Z
        // between the two is lost, so nothing is done between them.
        ::tcsetpgrp(terminal_, sandboxee_);
        ::kill(-sandboxee_, SIGCONT);
        break;
    }
  }

  void signal_group(int signal) {
    if (::kill(-sandboxee_, signal) != 0 && !end_) ::kill(sandboxee_, signal);
  }

  /// What was asked to end beside the sandboxee may need a moment to tidy up (a server that a shell
  /// has started, which dies of SIGTERM at once).
  bool goes_on() {
    for (const int signal : {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) {
      asked_ =
          asked_ || steady_clock::now() - came_.at(static_cast<std::size_t>(signal)) < kSameSignal;
    }
    if (!asked_) return false;
    const auto now = steady_clock::now();
    if (!until_) until_ = now + kToTidyUp;
    return now < *until_ && ::kill(-sandboxee_, 0) == 0;
  }

  int control_;
  int signals_;
  int terminal_;
  pid_t sandboxee_;
  std::optional<SandboxeeReport> end_;
  std::array<steady_clock::time_point, NSIG> came_{};
  bool asked_ = false;
  std::optional<steady_clock::time_point> until_;
};

/// Init's end waits for that of each process in its namespace, and these are ours to reap.
void reap_the_rest() {
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

}  // namespace

void run_keeper(const plan::Plan& plan, ChildContext& context) {
  SetupStep current = SetupStep::enter_namespaces;
  try {
    sigset_t all;
    ::sigfillset(&all);
    check_sys(::sigprocmask(SIG_BLOCK, &all, nullptr), "blocking signals");
    close_supervisors_descriptors(context);
    enter_namespaces(context);
    check_sys(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "closing the keeper's memory");

    current = SetupStep::execute;
    const pid_t sandboxee = check_sys(::fork(), "starting the command");
    if (sandboxee == 0) run_sandboxee(plan, context);

    current = SetupStep::confine_init;
    drop_capabilities(plan, context);
    set_no_new_privileges(plan, context);
    const int signals =
        check_sys(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), "watching signals");
    // The status pipe too: its end of file is the sandboxee's to give.
    close_all_but({context.control, signals, context.terminal});
    base::let_go_of_program_text();
    load_init_filter(plan, context);
    Keeper(context.control, signals, context.terminal, sandboxee).serve();
    ::close(context.control);  // the supervisor's sign to kill what is left
    reap_the_rest();
    ::_exit(0);
  } catch (const std::exception& error) {
    report_failure(context.status, current, error);
    ::_exit(125);
  }
}

}  // namespace sandbox_run::sandbox
