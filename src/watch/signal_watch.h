#pragma once

#include <linux/seccomp.h>

#include <string_view>
#include <vector>

#include "watch/notification.h"
#include "watch/own_code.h"
#include "watch/process_table.h"

namespace sandbox_run::watch {

/// Who may send SIGUSR1 to whom. Node opens its debugger on that signal, on a port of the sandbox's
/// own loopback: a script could send one to npm, connect, and run its code as npm, with npm's rules
/// for the network. All node before 23.7 does so, and a later one that is not told otherwise.
///
/// The seccomp filter notifies the calls that send this one signal (sandbox/generate_filter.cpp);
/// every other signal is free.
class SignalWatch {
 public:
  /// All outlive it.
  SignalWatch(NotificationChannel& channel, ProcessTable& processes, const OwnCode& own)
      : channel_(channel), processes_(processes), own_(own) {}

  /// True: let it go on. A script or a build may send it to processes with its own actor, the
  /// package manager and the project's own scripts to any (but not a package's program that these
  /// run: a manager may run besides). A pid that is used again between this look and the call is
  /// not seen.
  bool allows(const seccomp_notif& notification);

 private:
  bool reaches(const ProcessId& process, const seccomp_notif& notification, int sender) const;

  NotificationChannel& channel_;
  ProcessTable& processes_;
  const OwnCode& own_;
};

/// True if a filter notifies the system call `number` for SignalWatch.
bool is_signal_call(int number);

/// Pure. The numbers of line "KEY:" in /proc/PID/status, "NSpid:\t4711\t12\n", outermost first;
/// empty if it is not there.
std::vector<int> parse_namespace_ids(std::string_view status, std::string_view key);

}  // namespace sandbox_run::watch
