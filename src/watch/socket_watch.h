#pragma once

#include <linux/seccomp.h>

#include <set>
#include <string>

#include "events/event_sink.h"
#include "watch/notification.h"
#include "watch/process_table.h"

namespace sandbox_run::watch {

/// Tries at packets that are neither TCP nor UDP: socket(2) for ICMP, raw IP, SCTP,
/// DCCP, packets of an interface or vsock, which the seccomp filter notifies. Nobody inside may
/// have one, so that no such packet is ever seen: the try at the socket is what is recorded, as
/// "packet.denied", once for each actor and protocol.
class SocketWatch {
 public:
  /// All of them outlive it.
  SocketWatch(NotificationChannel& channel, ProcessTable& processes, events::EventSink& sink)
      : channel_(channel), processes_(processes), sink_(sink) {}

  /// Records it. Returns the errno that the call is to fail with, the kernel's own for such a
  /// process (raw(7), icmp(7), packet(7)) or where there is no such protocol.
  int refuse(const seccomp_notif& notification);

 private:
  NotificationChannel& channel_;
  ProcessTable& processes_;
  events::EventSink& sink_;
  std::set<std::string> seen_;
};

}  // namespace sandbox_run::watch
