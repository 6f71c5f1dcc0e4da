#include "sandbox/launch.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <variant>

#include "base/io.h"
#include "base/sys_error.h"
#include "sandbox/child_context.h"
#include "sandbox/control_message.h"
#include "sandbox/id_maps.h"
#include "sandbox/init_process.h"
#include "sandbox/inner_socket_record.h"

namespace sandbox_run::sandbox {
namespace {

using base::SysError;
using base::UniqueFd;

/// Each namespace by what it protects.
constexpr std::uint64_t kNamespaces =
    CLONE_NEWUSER |   // the right to make the others, and no right on the host
    CLONE_NEWNS |     // files: the host's tree is gone after pivot_root
    CLONE_NEWPID |    // other processes: unseen, unsignalled; and all of ours die with init
    CLONE_NEWNET |    // network: no interface but lo, no abstract unix sockets of the host
    CLONE_NEWIPC |    // System V and POSIX shared memory and queues
    CLONE_NEWUTS |    // the host's name
    CLONE_NEWCGROUP;  // the host's control group paths

struct Init {
  pid_t pid = -1;
  UniqueFd pidfd;
};

/// Returns pid 0 in the child. fork-like: memory is copied, so exceptions and allocation work
/// there.
Init clone_init() {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = kNamespaces | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0)
    throw SetupError(SetupStep::create_namespaces, errno, SysError("making namespaces").what());
  return {static_cast<pid_t>(pid), UniqueFd(pid == 0 ? -1 : pidfd)};
}

std::optional<SetupFailure> read_failure(int status_fd) {
  SetupFailure failure;
  ssize_t got = 0;
  while ((got = ::read(status_fd, &failure, sizeof failure)) < 0 && errno == EINTR) {
  }
  if (got != sizeof failure) return std::nullopt;
  failure.text.back() = '\0';
  return failure;
}

[[noreturn]] void throw_failure(int status_fd) {
  if (const std::optional<SetupFailure> failure = read_failure(status_fd)) {
    throw SetupError(failure->step, failure->error_number, failure->text.data());
  }
  throw SetupError(SetupStep::await_id_maps, ECHILD, "the sandbox's init ended without a word");
}

std::vector<InnerSocket> receive_sockets(int control, int status_fd) {
  std::vector<InnerSocket> sockets;
  while (true) {
    base::ReceivedFds message = base::receive_fds(control);
    if (message.bytes.empty()) throw_failure(status_fd);
    std::size_t next = 0;
    for (std::size_t at = 0; at + 4 <= message.bytes.size(); at += 4) {
      const std::string_view record = std::string_view(message.bytes).substr(at, 4);
      if (is_end(record)) return sockets;
      const InnerSocketRecord parsed = parse_record(record);
      sockets.push_back({std::move(message.fds.at(next++)), parsed.kind, parsed.ipv6, parsed.port});
    }
  }
}

}  // namespace

RunningSandbox::RunningSandbox(UniqueFd pidfd, UniqueFd control, UniqueFd status, pid_t init_pid)
    : pidfd_(std::move(pidfd)),
      control_(std::move(control)),
      status_(std::move(status)),
      init_pid_(init_pid) {}

RunningSandbox::~RunningSandbox() { end(); }

void RunningSandbox::kill_all() noexcept {
  if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

void RunningSandbox::end() noexcept {
  if (!pidfd_) return;
  kill_all();
  siginfo_t info{};
  // The event loop has made the pidfd non-blocking: waitid(2) alone would not wait.
  pollfd ended{pidfd_.get(), POLLIN, 0};
  while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  // Init's end comes after that of every other process in its namespace (pid_namespaces(7)).
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 &&
         errno == EINTR) {
  }
  pidfd_.reset();
}

std::optional<SandboxeeReport> RunningSandbox::next_report() {
  SandboxeeReport report;
  const ssize_t got = ::recv(control_.get(), &report, sizeof report, MSG_DONTWAIT);
  if (got == 0) reports_ended_ = true;
  if (got != sizeof report) return std::nullopt;
  return report;
}

std::optional<SetupFailure> RunningSandbox::take_failure() { return read_failure(status_.get()); }

void RunningSandbox::send_command(std::uint8_t kind, int value) {
  const ControlCommand command{static_cast<ControlCommand::Kind>(kind), value};
  // Init may just have ended: its report says more than an error here would.
  [[maybe_unused]] const ssize_t sent =
      ::send(control_.get(), &command, sizeof command, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void RunningSandbox::signal_process(int signal) {
  send_command(static_cast<std::uint8_t>(ControlCommand::Kind::signal_process), signal);
}
void RunningSandbox::signal_group(int signal) {
  send_command(static_cast<std::uint8_t>(ControlCommand::Kind::signal_group), signal);
}
void RunningSandbox::give_foreground() {
  send_command(static_cast<std::uint8_t>(ControlCommand::Kind::give_foreground), 0);
}

RunningSandbox launch(const plan::Plan& plan, const StandardStreams& streams) {
  base::SocketPair control = base::make_socket_pair();
  base::Pipe status = base::make_pipe();
  UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));  // none: -1
  const mode_t caller_umask = ::umask(022);
  ::umask(caller_umask);

  Init init = clone_init();
  if (init.pid == 0) {
    control.ours.reset();
    status.read_end.reset();
    ChildContext context;
    context.control = control.theirs.get();
    context.status = status.write_end.get();
    context.terminal = terminal.get();
    context.caller_umask = caller_umask;
    context.streams = streams;
    run_init(plan, context);
  }
  control.theirs.reset();
  status.write_end.reset();

  // From here on an exception kills and reaps init.
  RunningSandbox sandbox(std::move(init.pidfd), std::move(control.ours), std::move(status.read_end),
                         init.pid);
  try {
    write_id_maps(init.pid, plan.ids);
  } catch (const SysError& error) {
    throw SetupError(SetupStep::write_id_maps, error.error_number(), error.what());
  }
  base::send_fds(sandbox.control_fd(), kGo, {});
  sandbox.sockets = receive_sockets(sandbox.control_fd(), sandbox.status_fd());
  const bool has_decoys = std::any_of(
      plan.mounts.begin(), plan.mounts.end(),
      [](const plan::MountStep& step) { return std::holds_alternative<plan::DecoyFile>(step); });
  if (has_decoys) {
    sandbox.decoys = base::receive_fds(sandbox.control_fd()).fds;
    if (sandbox.decoys.empty()) throw_failure(sandbox.status_fd());
  }
  base::ReceivedFds listener = base::receive_fds(sandbox.control_fd());
  if (listener.fds.empty()) throw_failure(sandbox.status_fd());
  sandbox.exec_listener = std::move(listener.fds.front());
  return sandbox;
}

}  // namespace sandbox_run::sandbox
