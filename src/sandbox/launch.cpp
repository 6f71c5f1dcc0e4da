#include "sandbox/launch.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <variant>

#include "base/io.h"
#include "base/sys_error.h"
#include "sandbox/child_context.h"
#include "sandbox/control_message.h"
#include "sandbox/id_maps.h"
#include "sandbox/init_process.h"
#include "sandbox/inner_socket_record.h"
#include "sandbox/keeper.h"
#include "sandbox/landlock.h"

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

using Member = RunningSandbox::Member;

/// Returns pid 0 in the child. fork-like: memory is copied, so exceptions and allocation work
/// there.
Member clone_member(std::uint64_t namespaces, int control_group, SetupStep step,
                    const char* doing) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = namespaces | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  // From its first moment on: what is moved later has used memory before that nobody counts.
  if (control_group >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(control_group);
  }
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) throw SetupError(step, errno, SysError(doing).what());
  return {static_cast<pid_t>(pid), UniqueFd(pid == 0 ? -1 : pidfd)};
}

/// Those of kNamespaces, while init can still be looked into. The user namespace first.
std::vector<UniqueFd> open_namespaces(pid_t init) {
  std::vector<UniqueFd> opened;
  for (const char* name : {"user", "mnt", "net", "ipc", "uts", "cgroup", "pid"}) {
    const std::string path = "/proc/" + std::to_string(init) + "/ns/" + name;
    opened.emplace_back(
        base::check_sys(::open(path.c_str(), O_RDONLY | O_CLOEXEC), "opening " + path));
  }
  return opened;
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

RunningSandbox::RunningSandbox(Member init, UniqueFd status)
    : init_(std::move(init)), status_(std::move(status)) {}

RunningSandbox::~RunningSandbox() { end(); }

void RunningSandbox::set_keeper(Member keeper, UniqueFd control) {
  keeper_ = std::move(keeper);
  control_ = std::move(control);
}

void RunningSandbox::kill_all() noexcept {
  if (init_.pidfd) ::syscall(SYS_pidfd_send_signal, init_.pidfd.get(), SIGKILL, nullptr, 0);
}

/// Init's end comes after that of every other process in its namespace (pid_namespaces(7)), and
/// that of the sandboxee when its parent has reaped it: the keeper, or, if somebody has killed
/// that, the next ancestor that asks for such children.
void RunningSandbox::await_init() noexcept {
  constexpr int kNextLook = 20;  // ms
  constexpr int kPatience = 10;  // looks, before a keeper has surely been stopped or killed
  // The event loop has made the pidfd non-blocking: waitid(2) alone would not wait.
  pollfd ended{init_.pidfd.get(), POLLIN, 0};
  for (int look = 0; ::poll(&ended, 1, kNextLook) != 1; ++look) {
    if (look < kPatience) continue;
    kill_keeper();
    // Then they are ours (PR_SET_CHILD_SUBREAPER). It may be one of the two that end() waits for.
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

void RunningSandbox::kill_keeper() noexcept {
  if (keeper_.pidfd) ::syscall(SYS_pidfd_send_signal, keeper_.pidfd.get(), SIGKILL, nullptr, 0);
}

void RunningSandbox::end() noexcept {
  if (!init_.pidfd) return;
  kill_all();
  await_init();
  kill_keeper();
  for (UniqueFd* pidfd : {&init_.pidfd, &keeper_.pidfd}) {
    if (!*pidfd) continue;
    siginfo_t info{};
    pollfd ended{pidfd->get(), POLLIN, 0};
    while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
    }
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd->get()), &info, WEXITED) != 0 &&
           errno == EINTR) {
    }
    pidfd->reset();
  }
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
  // The keeper may just have ended: its report says more than an error here would.
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

namespace {

bool has_decoys(const plan::Plan& plan) {
  return std::any_of(plan.mounts.begin(), plan.mounts.end(), [](const plan::MountStep& step) {
    return std::holds_alternative<plan::DecoyFile>(step);
  });
}

/// What init makes and hands out; returns a descriptor of the new root, its last word.
UniqueFd take_over(RunningSandbox& sandbox, const plan::Plan& plan, int control) {
  sandbox.sockets = receive_sockets(control, sandbox.status_fd());
  if (has_decoys(plan)) {
    sandbox.decoys = base::receive_fds(control).fds;
    if (sandbox.decoys.empty()) throw_failure(sandbox.status_fd());
  }
  base::ReceivedFds root = base::receive_fds(control);
  if (root.fds.empty()) throw_failure(sandbox.status_fd());
  sandbox.kernel_objects_unlimited = root.bytes == kRootUnlimited;
  UniqueFd first = std::move(root.fds.front());
  root.fds.erase(root.fds.begin());
  sandbox.memory_places = std::move(root.fds);
  return first;
}

/// A message that says, by a number, which of its descriptors the sender means (with SO_PASSCRED:
/// unix(7)).
UniqueFd take_named_fd(int control) {
  int number = -1;
  iovec part{&number, sizeof number};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> ancillary{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.data();
  message.msg_controllen = ancillary.size();
  ssize_t got = 0;
  while ((got = ::recvmsg(control, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  const bool is_number = got == sizeof number && (message.msg_flags & MSG_TRUNC) == 0;
  if (!is_number || header == nullptr || header->cmsg_type != SCM_CREDENTIALS) return {};
  ucred sender{};
  std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, sender.pid, 0)));
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
}

/// The home is a mount of its own, which is no part of the root any more once the namespace has
/// ended.
UniqueFd open_home(const plan::Plan& plan, int sandbox_root) {
  if (plan.home.size() < 2) return {};
  return UniqueFd(base::check_sys(
      ::openat(sandbox_root, plan.home.c_str() + 1, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
      "opening the false home"));
}

void confine_to_files(const plan::Plan& plan, const RunningSandbox& sandbox, int sandbox_root,
                      const StandardStreams& streams) {
  try {
    base::check_sys(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "setting no_new_privs");
    std::vector<int> roots{sandbox_root};
    if (sandbox.home) roots.push_back(sandbox.home.get());
    restrict_supervisor_by_landlock(plan.supervisor, roots, streams, plan.landlock.abi);
  } catch (const SysError& error) {
    throw SetupError(SetupStep::landlock, error.error_number(), error.what());
  }
}

}  // namespace

RunningSandbox launch(const plan::Plan& plan, const StandardStreams& streams, Supervisor supervisor,
                      int control_group) {
  base::SocketPair to_init = base::make_socket_pair();
  base::SocketPair to_keeper = base::make_socket_pair();
  base::Pipe status = base::make_pipe();
  // This process has the other end for the keeper's sake: no end of file says that init has died.
  ::fcntl(status.read_end.get(), F_SETFL, O_NONBLOCK);
  UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));  // none: -1
  ChildContext context;
  context.status = status.write_end.get();
  context.terminal = terminal.get();
  context.caller_umask = ::umask(022);
  ::umask(context.caller_umask);
  context.streams = streams;
  // For the sandboxee's sake, if somebody kills the keeper: see await_init().
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

  Member init =
      clone_member(kNamespaces, control_group, SetupStep::create_namespaces, "making namespaces");
  if (init.pid == 0) {
    to_init.ours.reset();
    to_keeper.ours.reset();
    status.read_end.reset();
    context.control = to_init.theirs.get();
    run_init(plan, context);
  }
  to_init.theirs.reset();

  // From here on an exception kills and reaps init.
  RunningSandbox sandbox(std::move(init), std::move(status.read_end));
  try {
    context.namespaces = open_namespaces(sandbox.init_pid());
    write_id_maps(sandbox.init_pid(), plan.ids);
  } catch (const SysError& error) {
    throw SetupError(SetupStep::write_id_maps, error.error_number(), error.what());
  }
  base::send_fds(to_init.ours.get(), kGo, {});
  context.root = take_over(sandbox, plan, to_init.ours.get());
  sandbox.home = open_home(plan, context.root.get());
  if (supervisor == Supervisor::confined && plan.landlock.abi >= kSupervisorLandlockAbi) {
    confine_to_files(plan, sandbox, context.root.get(), streams);
  }

  constexpr int kOn = 1;
  base::check_sys(::setsockopt(to_keeper.ours.get(), SOL_SOCKET, SO_PASSCRED, &kOn, sizeof kOn),
                  "asking who names the listener");
  Member keeper = clone_member(0, control_group, SetupStep::enter_namespaces,
                               "starting the sandboxee's parent");
  if (keeper.pid == 0) {
    context.control = to_keeper.theirs.get();
    run_keeper(plan, context);
  }
  to_keeper.theirs.reset();
  status.write_end.reset();
  sandbox.set_keeper(std::move(keeper), std::move(to_keeper.ours));
  sandbox.exec_listener = take_named_fd(sandbox.control_fd());
  if (!sandbox.exec_listener) throw_failure(sandbox.status_fd());
  return sandbox;
}

}  // namespace sandbox_run::sandbox
