#pragma once

#include <linux/seccomp.h>

#include <optional>

#include "events/caller_table.h"
#include "watch/notification.h"
#include "watch/pinned_processes.h"
#include "watch/process_table.h"

namespace sandbox_run::watch {

/// connect(2), sendto(2), sendmsg(2), sendmmsg(2): what a socket's first packet may leave by.
bool is_connecting_call(int number);

/// Whose each connection, and each datagram, is: a thread waits in such a call; its socket gets the
/// number of its caller as its mark (SO_MARK, socket(7)), which the kernel copies into each packet
/// and from there, by the sysctl tcp_fwmark_accept, to the socket that the broker accepts. Only who
/// owns the network namespace can set a mark; a process inside cannot.
///
/// Must:     leave a socket unmarked if anything is unclear: an unmarked connection is nobody's,
/// and
///           the broker lets it go only where anybody may.
/// Must not: decide. Where the call itself goes on, the descriptor may be another one when it is
///           read: then that one has the mark that its own last such call left, or none.
class ConnectWatch {
 public:
  /// All of them outlive it.
  ConnectWatch(NotificationChannel& channel, ProcessTable& processes, events::CallerTable& callers)
      : channel_(channel), processes_(processes), callers_(callers) {}

  /// Marks the socket, and connects it if it can: see connect_for.h. What the call gives, 0 or an
  /// errno; nullopt: the call is to go on.
  std::optional<int> attend(const seccomp_notif& notification);
  /// A process restricts itself by Landlock, maybe its connections (landlock(7)), which a call in
  /// its place would not be held to: calls go on themselves from now on, whoever's they are.
  void leave_calls_to_their_callers() { connects_for_callers_ = false; }
  /// The process is about to be another program, and may be another actor's.
  void forget(int process) { known_.forget(process); }

 private:
  NotificationChannel& channel_;
  ProcessTable& processes_;
  events::CallerTable& callers_;
  PinnedProcesses<events::CallerTable::Number> known_;
  bool connects_for_callers_ = true;
};

}  // namespace sandbox_run::watch
