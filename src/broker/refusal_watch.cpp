#include "broker/refusal_watch.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>

#include "broker/caller_mark.h"
#include "broker/limits.h"
#include "broker/listener.h"

namespace sandbox_run::broker {
namespace {

enum class Received { packet, nothing, failed };

Received receive_one(const RefusalSocket& refusals, Services& services) {
  std::array<std::uint8_t, kRefusalBytes> packet;
  alignas(cmsghdr) std::array<char, kCallerSpace> control{};
  sockaddr_storage storage{};
  iovec buffer{packet.data(), packet.size()};
  msghdr message{};
  message.msg_name = &storage;
  message.msg_namelen = sizeof storage;
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  // Without MSG_CMSG_CLOEXEC, which packet sockets take for an error; no descriptor comes this way.
  const ssize_t count = ::recvmsg(refusals.socket->native_handle(), &message, MSG_DONTWAIT);
  if (count < 0) {
    if (errno == EINTR) return Received::packet;
    return errno == EAGAIN ? Received::nothing : Received::failed;
  }
  // A packet socket's is no IP address: who answered is asked for where there is an answer only.
  const Address sender =
      from_sockaddr(storage).value_or(Endpoint{Address::ipv4(0, 0, 0, 0)}).address;
  const std::span bytes(packet.data(), static_cast<std::size_t>(count));
  if (const auto refused = parse_refusal(refusals.source, sender, bytes)) {
    services.recorder.try_refused(*refused, caller_of(message));
  }
  return Received::packet;
}

}  // namespace

asio::awaitable<void> watch_refusals(RefusalSocket refusals, std::shared_ptr<Services> services) {
  ask_for_callers(refusals.socket->native_handle());
  while (refusals.socket->is_open()) {
    const auto [error] = co_await refusals.socket->async_wait(Descriptor::wait_read, kAwait);
    if (error) co_return;
    Received received = Received::packet;
    for (int turn = 0; turn < kDatagramsPerTurn && received == Received::packet; ++turn) {
      if (!refusals.socket->is_open()) co_return;  // the sink shut the broker down
      received = receive_one(refusals, *services);
    }
    if (received == Received::failed) co_await pause();
  }
}

void record_last_refusals(const RefusalSocket& refusals, Services& services) {
  int left = kRefusalsAtTheEnd;
  while (left-- > 0 && receive_one(refusals, services) == Received::packet) {
  }
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t length = sizeof memory;
  if (::getsockopt(refusals.socket->native_handle(), SOL_SOCKET, SO_MEMINFO, memory.data(),
                   &length) != 0 ||
      memory[SK_MEMINFO_DROPS] == 0) {
    return;
  }
  services.recorder.limit_reached("bytes of refused tries not yet read", memory[SK_MEMINFO_RCVBUF]);
}

}  // namespace sandbox_run::broker
