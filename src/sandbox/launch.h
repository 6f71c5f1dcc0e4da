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

/// What init tells of the sandboxee.
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
  RunningSandbox(base::UniqueFd pidfd, base::UniqueFd control, base::UniqueFd status,
                 pid_t init_pid);
  RunningSandbox(RunningSandbox&&) = default;
  RunningSandbox& operator=(RunningSandbox&&) = delete;
  ~RunningSandbox();

  /// Readable when every process of the sandbox is dead (init reaps last).
  int pidfd() const { return pidfd_.get(); }
  /// Readable when there is a report, or a set-up failure: call next_report / take_failure.
  int control_fd() const { return control_.get(); }
  /// Readable once the sandboxee's execve succeeded (end of file) or failed (a record).
  int status_fd() const { return status_.get(); }
  pid_t init_pid() const { return init_pid_; }

  /// nullopt: none now.
  std::optional<SandboxeeReport> next_report();
  /// Init has closed its end: no report will follow.
  bool reports_ended() const { return reports_ended_; }
  /// After status_fd() was readable: the failure, or nullopt if the command was started.
  std::optional<SetupFailure> take_failure();

  /// What was made inside and passed out; the caller serves it. Filled by launch().
  std::vector<InnerSocket> sockets;
  base::UniqueFd exec_listener;
  std::vector<base::UniqueFd> decoys;  // one per DecoyFile step of the plan, in that order

  /// To the sandboxee alone, or to its process group (what a terminal's Ctrl-C reaches).
  void signal_process(int signal);
  void signal_group(int signal);
  /// Makes the sandboxee's process group the terminal's foreground group.
  void give_foreground();
  /// SIGKILL to init: the kernel kills everything else in the namespace with it.
  void kill_all() noexcept;
  /// kill_all and wait for the end.
  void end() noexcept;

 private:
  void send_command(std::uint8_t kind, int value);
  base::UniqueFd pidfd_;
  base::UniqueFd control_;
  base::UniqueFd status_;
  pid_t init_pid_ = -1;
  bool reports_ended_ = false;
};

/// Makes the sandbox and starts plan.exec in it; returns while the first execve still waits for the
/// exec listener to be served. Call with a single thread. Throws SetupError.
RunningSandbox launch(const plan::Plan& plan, const StandardStreams& streams);

}  // namespace sandbox_run::sandbox
