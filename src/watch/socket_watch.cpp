#include "watch/socket_watch.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "watch/process_description.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxSeen = 1000;
constexpr std::uint32_t kTypeBits = 0xf;  // without SOCK_NONBLOCK and SOCK_CLOEXEC

}  // namespace

int SocketWatch::refuse(const seccomp_notif& notification) {
  const auto& arguments = notification.data.args;
  const bool raw = (static_cast<std::uint32_t>(arguments[1]) & kTypeBits) == SOCK_RAW;
  const int error = raw ? EPERM : EACCES;
  const int pid = process_of_thread(static_cast<int>(notification.pid));
  const auto status = read_process_status(pid);
  events::Event event{"packet.denied", events::Severity::notice};
  event.actor = status ? processes_.actor_of(*status) : events::Actor{};
  event.process = describe_process(pid);
  if (!channel_.is_valid(notification.id)) return error;
  const bool ipv6 = static_cast<std::uint32_t>(arguments[0]) == AF_INET6;
  const std::string protocol = raw ? "raw" : ipv6 ? "icmpv6" : "icmp";
  if (seen_.size() >= kMaxSeen ||
      !seen_.insert(events::to_words(*event.actor) + '\0' + protocol).second) {
    return error;
  }
  event.details = {{"protocol", protocol}, {"reason", "only TCP gets out"}};
  sink_.record(event);
  return error;
}

}  // namespace sandbox_run::watch
