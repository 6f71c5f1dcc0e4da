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
#include <csignal>

#include "base/io.h"
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

/// Returns true when the sandboxee has ended: then it was reported. It can make more children for
/// us (CLONE_PARENT).
bool reap(int control, pid_t sandboxee) {
  int status = 0;
  pid_t pid = -1;
  while ((pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
    if (pid != sandboxee) continue;
    if (WIFSTOPPED(status)) {
      report(control, SandboxeeReport::Kind::stopped, WSTOPSIG(status));
    } else if (WIFEXITED(status)) {
      report(control, SandboxeeReport::Kind::exited, WEXITSTATUS(status));
      return true;
    } else {
      report(control, SandboxeeReport::Kind::killed, WTERMSIG(status));
      return true;
    }
  }
  return false;
}

void obey(const ControlCommand& command, pid_t sandboxee, int terminal) {
  switch (command.kind) {
    case ControlCommand::Kind::signal_process:
      ::kill(sandboxee, command.value);  // it may just have ended: nothing to do then
      break;
    case ControlCommand::Kind::signal_group:
      if (::kill(-sandboxee, command.value) != 0) ::kill(sandboxee, command.value);
      break;
    case ControlCommand::Kind::give_foreground:
      // SIGTTOU is blocked here, so a background process may do it (tcsetpgrp(3)). A Ctrl-Z between
      // the two is lost, so nothing is done between them.
      ::tcsetpgrp(terminal, sandboxee);
      ::kill(-sandboxee, SIGCONT);
      break;
  }
}

/// Until the sandboxee has ended.
void serve(int control, int signals, pid_t sandboxee, int terminal) {
  std::array<pollfd, 2> polled{pollfd{control, POLLIN, 0}, pollfd{signals, POLLIN, 0}};
  while (true) {
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;  // EINTR
    if (polled[1].revents != 0) {
      signalfd_siginfo info{};
      while (::read(signals, &info, sizeof info) == sizeof info) {
      }
      if (reap(control, sandboxee)) return;
    }
    if (polled[0].revents != 0) {
      ControlCommand command{};
      const ssize_t got = ::recv(control, &command, sizeof command, MSG_DONTWAIT);
      if (got == sizeof command) obey(command, sandboxee, terminal);
      if (got == 0) return;  // the supervisor is gone: init dies of it, and the sandboxee with init
    }
  }
}

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
    load_init_filter(plan, context);
    serve(context.control, signals, sandboxee, context.terminal);
    ::close(context.control);  // the supervisor's sign to kill what is left
    reap_the_rest();
    ::_exit(0);
  } catch (const std::exception& error) {
    report_failure(context.status, current, error);
    ::_exit(125);
  }
}

}  // namespace sandbox_run::sandbox
