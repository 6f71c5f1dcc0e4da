#include "watch/connect_for.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace sandbox_run::watch {
namespace {

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t length = 0;
};

/// The second and third argument of connect(2). Only what is whole: the kernel's own judgement of
/// anything else (EINVAL, EFAULT, a disconnecting AF_UNSPEC) is the caller's to get.
std::optional<SocketAddress> read_address(const seccomp_notif& notification) {
  const std::uint64_t claimed = notification.data.args[2] & 0xffff'ffffU;  // an int
  if (claimed > sizeof(sockaddr_storage)) return std::nullopt;
  SocketAddress address;
  const auto length = std::min<std::size_t>(claimed, sizeof(sockaddr_in6));
  const iovec here{&address.bytes, length};
  // An address in another process, which we never follow.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const iovec there{reinterpret_cast<void*>(notification.data.args[1]), length};
  if (::process_vm_readv(static_cast<int>(notification.pid), &here, 1, &there, 1, 0) !=
      static_cast<ssize_t>(length)) {
    return std::nullopt;
  }
  address.length = static_cast<socklen_t>(length);
  const auto family = address.bytes.ss_family;
  const bool whole = (family == AF_INET && length >= sizeof(sockaddr_in)) ||
                     (family == AF_INET6 && length == sizeof(sockaddr_in6));
  return whole ? std::optional(address) : std::nullopt;
}

int connect_now(int socket, const SocketAddress& address) {
  const auto* target = reinterpret_cast<const sockaddr*>(&address.bytes);
  return ::connect(socket, target, address.length) == 0 ? 0 : errno;
}

/// A call that goes on in the middle of a connection gives another errno at the end of that time.
bool has_time_limit(int socket) {
  timeval limit{};
  socklen_t length = sizeof limit;
  return ::getsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, &length) != 0 || limit.tv_sec != 0 ||
         limit.tv_usec != 0;
}

/// Of a socket whose calls wait: it must not be this one that does. Nobody might answer: a package
/// may listen itself, and accept nothing.
std::optional<int> connect_without_waiting(int socket, int flags, const SocketAddress& address) {
  if (has_time_limit(socket)) return std::nullopt;
  if (::fcntl(socket, F_SETFL, flags | O_NONBLOCK) != 0) return std::nullopt;
  int error = connect_now(socket, address);
  // The handshake is over when the socket is let go of; the second call says how it went.
  if (error == EINPROGRESS) error = connect_now(socket, address);
  (void)::fcntl(socket, F_SETFL, flags);
  return error == EALREADY ? std::nullopt : std::optional(error);
}

}  // namespace

std::optional<int> connect_for(const seccomp_notif& notification, int socket) {
  const auto address = read_address(notification);
  if (!address) return std::nullopt;
  const int flags = ::fcntl(socket, F_GETFL);
  if (flags < 0) return std::nullopt;
  if ((flags & O_NONBLOCK) != 0) return connect_now(socket, *address);
  return connect_without_waiting(socket, flags, *address);
}

}  // namespace sandbox_run::watch
