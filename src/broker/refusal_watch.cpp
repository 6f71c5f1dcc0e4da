#include "broker/refusal_watch.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "broker/limits.h"
#include "broker/listener.h"
#include "broker/refusal_packet.h"

namespace sandbox_run::broker {
namespace {

enum class Received { refusal, nothing, failed };

Received receive_one(int socket, Recorder& recorder) {
  std::array<std::uint8_t, kRefusalBytes> packet;
  const ssize_t count = ::recv(socket, packet.data(), packet.size(), MSG_DONTWAIT);
  if (count < 0) {
    if (errno == EINTR) return Received::refusal;
    return errno == EAGAIN ? Received::nothing : Received::failed;
  }
  if (const auto refused = parse_refusal({packet.data(), static_cast<std::size_t>(count)})) {
    recorder.try_refused(*refused);
  }
  return Received::refusal;
}

}  // namespace

asio::awaitable<void> watch_refusals(std::shared_ptr<Descriptor> socket,
                                     std::shared_ptr<Services> services) {
  while (socket->is_open()) {
    const auto [error] = co_await socket->async_wait(Descriptor::wait_read, kAwait);
    if (error) co_return;
    Received received = Received::refusal;
    for (int turn = 0; turn < kDatagramsPerTurn && received == Received::refusal; ++turn) {
      if (!socket->is_open()) co_return;  // the sink shut the broker down
      received = receive_one(socket->native_handle(), services->recorder);
    }
    if (received == Received::failed) co_await pause();
  }
}

void record_last_refusals(int socket, Recorder& recorder) {
  int left = kRefusalsAtTheEnd;
  while (left-- > 0 && receive_one(socket, recorder) == Received::refusal) {
  }
  tpacket_stats counts{};
  socklen_t length = sizeof counts;
  const bool known = ::getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, &counts, &length) == 0;
  if (!known || counts.tp_drops == 0) return;
  int bytes = 0;
  length = sizeof bytes;
  if (::getsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, &length) != 0) return;
  recorder.limit_reached("bytes of refused tries not yet read", static_cast<std::size_t>(bytes));
}

}  // namespace sandbox_run::broker
