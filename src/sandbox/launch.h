#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandbox/setup_step.h"

// The supervisor's side of the sandbox: make the namespaces, hand over what only the parent can
// give, take over what only the child can make.

namespace sandbox_run::sandbox {

/// A socket made in the sandbox's network namespace, where it stays.
struct InnerSocket {
  /// refused_tcp, refused_udp, multicast: see refusal_socket.h.
  enum class Kind : std::uint8_t { tcp, dns_udp, dns_tcp, refused_tcp, refused_udp, multicast };
  base::UniqueFd fd;
  Kind kind = Kind::tcp;
  bool ipv6 = false;
  std::uint16_t port = 0;
};

/// What the keeper tells of the sandboxee.
struct SandboxeeReport {
  enum class Kind : std::uint8_t { stopped, exited, killed };
  Kind kind = Kind::exited;
  std::int32_t value = 0;  // stopped: the signal; exited: the exit status; killed: the signal
};

/// Descriptors for the sandboxee's 0, 1, 2 (borrowed; -1: closed, as the caller's own is).
struct StandardStreams {
  int input = 0;
  int output = 1;
  int error = 2;
};

/// A running sandbox. Destroying it kills every process in it and waits for the namespace's end.
class RunningSandbox {
 public:
  /// Its two processes that are ours; each a child of this one.
  struct Member {
    pid_t pid = -1;
    base::UniqueFd pidfd;
  };
  RunningSandbox(Member init, base::UniqueFd status);
  RunningSandbox(RunningSandbox&&) = default;
  RunningSandbox& operator=(RunningSandbox&&) = delete;
  ~RunningSandbox();

  /// Readable when every process of the sandbox is dead (init reaps last).
  int pidfd() const { return init_.pidfd.get(); }
  /// Readable when there is a report: call next_report.
  int control_fd() const { return control_.get(); }
  /// Readable once the sandboxee's execve succeeded (end of file) or failed (a record).
  int status_fd() const { return status_.get(); }
  pid_t init_pid() const { return init_.pid; }
  /// The sandboxee's parent, see keeper.h.
  pid_t keeper_pid() const { return keeper_.pid; }

  /// nullopt: none now.
  std::optional<SandboxeeReport> next_report();
  /// The keeper has closed its end: no report will follow, and it is time to kill what is left.
  bool reports_ended() const { return reports_ended_; }
  /// After status_fd() was readable: the failure, or nullopt if the command was started.
  std::optional<SetupFailure> take_failure();

  /// What was made inside and passed out; the caller serves it. Filled by launch().
  std::vector<InnerSocket> sockets;
  base::UniqueFd exec_listener;
  base::UniqueFd home;                 // plan.home's directory, which stays readable after the end
  std::vector<base::UniqueFd> decoys;  // one per DecoyFile step of the plan, in that order
  std::vector<base::UniqueFd> memory_places;  // the plan's TmpfsMounts, for fstatfs(2)
  bool kernel_objects_unlimited = false;      // see namespace_settings.h

  /// To the sandboxee alone, or to its process group (what a terminal's Ctrl-C reaches).
  void signal_process(int signal);
  void signal_group(int signal);
  /// Makes the sandboxee's process group the terminal's foreground group, and continues it.
  void give_foreground();
  /// SIGKILL to init: the kernel kills everything else in the namespace with it.
  void kill_all() noexcept;
  /// kill_all and wait for the end.
  void end() noexcept;

  /// What launch() adds when the keeper has been started.
  void set_keeper(Member keeper, base::UniqueFd control);

 private:
  void send_command(std::uint8_t kind, int value);
  void await_init() noexcept;
  void kill_keeper() noexcept;
  Member init_;
  Member keeper_;
  base::UniqueFd control_;
  base::UniqueFd status_;
  bool reports_ended_ = false;
};

/// The Landlock that can confine the supervisor: with ABI 1 no file could be moved to another
/// directory, which is how changes are committed.
inline constexpr int kSupervisorLandlockAbi = 2;

/// What becomes of this process when the sandbox is there, before anything runs in it.
enum class Supervisor {
  free,     // it goes on to launch another one
  confined  // to plan.supervisor, by Landlock, for good
};

/// Makes the sandbox and starts plan.exec in it; returns while the first execve still waits for the
/// exec listener to be served. `control_group`: where all of it runs, a descriptor; -1: where we
/// do. Call with a single thread. Throws SetupError.
RunningSandbox launch(const plan::Plan& plan, const StandardStreams& streams, Supervisor supervisor,
                      int control_group = -1);

}  // namespace sandbox_run::sandbox
