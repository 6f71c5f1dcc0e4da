// PID 1 of the sandbox: sets it up, starts the sandboxee, forwards signals, reaps, reports its end.
//
// Must:     die with the supervisor; hold no capability while the sandboxee runs; be unreadable to
// it
//           (our memory is a copy of the supervisor's, with the caller's whole environment: A033).
// Must not: decide anything; outlive the sandboxee: our end is what kills daemons left behind.
// See pid_namespaces(7), prctl(2).

#include "sandbox/init_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/io.h"
#include "base/sys_error.h"
#include "sandbox/capabilities.h"
#include "sandbox/control_message.h"
#include "sandbox/mount_tree.h"
#include "sandbox/network.h"
#include "sandbox/sandboxee.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/step_table.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using base::SysError;

void die_with_supervisor(const plan::Plan&, ChildContext& context) {
  check_sys(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "tying init to the supervisor");
  // It may have died before that call: then nobody holds the other end.
  pollfd poll{context.control, 0, 0};
  if (::poll(&poll, 1, 0) == 1 && (poll.revents & POLLHUP) != 0)
    throw SysError(ESRCH, "finding the supervisor");
}

void await_id_maps(const plan::Plan&, ChildContext& context) {
  if (base::receive_fds(context.control).bytes != kGo)
    throw SysError(EPIPE, "waiting for the id maps");
  // From here on /proc/1 belongs to nobody inside. (Not before: the supervisor writes our maps.)
  check_sys(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "closing init's memory");
}

void name_host(const plan::Plan&, ChildContext&) {
  // A name that /etc/hosts always knows, and that tells nothing of the host.
  constexpr std::string_view kName = "localhost";
  check_sys(::sethostname(kName.data(), kName.size()), "naming the host");
}

/// One message with all of them, in the order of the plan.
void hand_over_decoys(const plan::Plan&, ChildContext& context) {
  if (context.decoys.empty()) return;
  std::vector<int> fds;
  for (const base::UniqueFd& decoy : context.decoys) fds.push_back(decoy.get());
  base::send_fds(context.control, kDecoys, fds);
  context.decoys.clear();
}

/// The order is the security argument; each row says why it cannot move.
constexpr std::array kInitSteps{
    Step{SetupStep::die_with_supervisor,
         die_with_supervisor},                      // first: nothing may outlive a dead supervisor
    Step{SetupStep::await_id_maps, await_id_maps},  // until then we are nobody and may do nothing
    Step{SetupStep::private_mounts,
         make_mounts_private},  // before any mount, or ours would show on the host
    Step{SetupStep::collect_mounts,
         collect_mounts},  // needs the host's tree, not yet covered by ours
    Step{SetupStep::raise_loopback,
         carry_marks},  // needs /proc before it is read-only, and CAP_NET_ADMIN
    Step{SetupStep::build_root, build_root},          // all of it before the root is switched
    Step{SetupStep::enter_root, enter_root},          // from here on the host's tree is gone
    Step{SetupStep::raise_loopback, raise_loopback},  // needs CAP_NET_ADMIN
    Step{SetupStep::raise_loopback, name_host},       // needs CAP_SYS_ADMIN
    Step{SetupStep::hand_over_sockets,
         hand_over_sockets},  // needs lo; CAP_NET_BIND_SERVICE for ports below 1024, CAP_NET_RAW
    Step{SetupStep::hand_over_decoys,
         hand_over_decoys},  // before the command: nobody but the supervisor may have them open
};

void report(int control, SandboxeeReport::Kind kind, int value) {
  const SandboxeeReport message{kind, value};
  base::send_fds(control, {reinterpret_cast<const char*>(&message), sizeof message}, {});
}

/// Everything that has ended. Returns true when the sandboxee itself has: then it was reported.
bool reap(int control, pid_t sandboxee) {
  while (true) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED);
    if (pid <= 0) return false;
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
      // SIGTTOU is blocked here, so a background process may do it (tcsetpgrp(3)).
      ::tcsetpgrp(terminal, sandboxee);
      break;
  }
}

/// Until the sandboxee or the supervisor has ended.
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
      if (got == 0) return;  // the supervisor is gone
      if (got == sizeof command) obey(command, sandboxee, terminal);
    }
  }
}

/// Only what serve() needs stays open: control, signals, terminal.
void close_the_rest(const ChildContext& context, int signals) {
  std::array<int, 3> keep{context.control, signals, context.terminal};
  std::sort(keep.begin(), keep.end());
  unsigned from = 0;
  for (const int fd : keep) {
    if (fd < 0) continue;
    if (static_cast<unsigned>(fd) > from) ::syscall(SYS_close_range, from, fd - 1, 0);
    from = static_cast<unsigned>(fd) + 1;
  }
  ::syscall(SYS_close_range, from, ~0U, 0);
}

}  // namespace

void run_init(const plan::Plan& plan, ChildContext& context) {
  SetupStep current = SetupStep::die_with_supervisor;
  try {
    ::umask(022);
    sigset_t all;
    ::sigfillset(&all);
    check_sys(::sigprocmask(SIG_BLOCK, &all, nullptr), "blocking signals");
    run_steps(kInitSteps, plan, context, current);

    current = SetupStep::execute;
    const pid_t sandboxee = check_sys(::fork(), "starting the command");
    if (sandboxee == 0) run_sandboxee(plan, context);

    current = SetupStep::confine_init;
    drop_capabilities(plan, context);
    set_no_new_privileges(plan, context);
    const int signals =
        check_sys(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), "watching signals");
    close_the_rest(context,
                   signals);  // the status pipe too: its end of file is the sandboxee's to give
    load_init_filter(plan, context);
    serve(context.control, signals, sandboxee, context.terminal);
    ::_exit(0);
  } catch (const std::exception& error) {
    report_failure(context.status, current, error);
    ::_exit(125);
  }
}

}  // namespace sandbox_run::sandbox
