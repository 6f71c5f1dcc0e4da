#pragma once

#include <linux/seccomp.h>

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
/// Must not: decide. The descriptor may be another one when the call reads it: then that one has
///           the mark that its own last such call left, or none.
class ConnectWatch {
 public:
  /// All of them outlive it.
  ConnectWatch(NotificationChannel& channel, ProcessTable& processes, events::CallerTable& callers)
      : channel_(channel), processes_(processes), callers_(callers) {}

  /// Marks the socket; the caller lets the thread go on.
  void mark(const seccomp_notif& notification);
  /// The process is about to be another program, and may be another actor's.
  void forget(int process) { known_.forget(process); }

 private:
  NotificationChannel& channel_;
  ProcessTable& processes_;
  events::CallerTable& callers_;
  PinnedProcesses<events::CallerTable::Number> known_;
};

}  // namespace sandbox_run::watch
