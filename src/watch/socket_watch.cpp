#include "watch/socket_watch.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "events/event.h"
#include "watch/process_description.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxSeen = 1000;
// Protocols that not all headers have.
constexpr int kL2tp = 115;
constexpr int kSmc = 256;
constexpr std::uint64_t kTypeBits = 0xf;  // without SOCK_NONBLOCK and SOCK_CLOEXEC

struct Refusal {
  const char* protocol;
  int error;
};

/// Of the arguments of socket(2).
Refusal refusal_of(int family, int type, int protocol) {
  if (family == AF_VSOCK) return {"vsock", EAFNOSUPPORT};
  if (family == AF_PACKET) return {"packet", EPERM};
  if (type == SOCK_RAW) return {"raw", EPERM};
  if (protocol == IPPROTO_SCTP) return {"sctp", EPROTONOSUPPORT};
  if (protocol == IPPROTO_DCCP) return {"dccp", EPROTONOSUPPORT};
  if (protocol == IPPROTO_UDPLITE) return {"udplite", EPROTONOSUPPORT};
  if (protocol == kL2tp) return {"l2tp", EPROTONOSUPPORT};
  if (protocol == kSmc) return {"smc", EPROTONOSUPPORT};
  return {family == AF_INET6 ? "icmpv6" : "icmp", EACCES};
}

}  // namespace

int SocketWatch::refuse(const seccomp_notif& notification) {
  const auto& arguments = notification.data.args;
  const auto [protocol, error] =
      refusal_of(static_cast<int>(arguments[0]), static_cast<int>(arguments[1] & kTypeBits),
                 static_cast<int>(arguments[2]));
  const int pid = process_of_thread(static_cast<int>(notification.pid));
  const auto status = read_process_status(pid);
  events::Event event{"packet.denied", events::Severity::notice};
  event.actor = status ? processes_.actor_of(*status) : events::Actor{};
  event.process = describe_process(pid);
  if (!channel_.is_valid(notification.id)) return error;
  if (seen_.size() >= kMaxSeen ||
      !seen_.insert(events::to_words(*event.actor) + '\0' + protocol).second) {
    return error;
  }
  event.details = {{"protocol", protocol}, {"reason", "only TCP gets out"}};
  sink_.record(event);
  return error;
}

}  // namespace sandbox_run::watch
