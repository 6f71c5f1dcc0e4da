#include "broker/dns_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/sys_error.h"
#include "broker/caller_mark.h"
#include "broker/listener.h"
#include "broker/tcp_relay.h"

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78  // linux/in6.h, which cannot be included beside netinet/in.h
#endif

namespace sandbox_run::broker {
namespace {

using Clock = std::chrono::steady_clock;

/// A datagram with the addresses that it came from and was sent to.
struct Datagram {
  std::array<std::uint8_t, kMaxUdpMessage> bytes;
  std::size_t size = 0;
  sockaddr_storage peer{};
  socklen_t peer_length = 0;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo)) + kCallerSpace> control{};
  std::size_t control_length = 0;
  Recorder::Caller caller = events::CallerTable::kUnknown;
};

enum class Received { query, dropped, nothing, failed };

cmsghdr* destination_of(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP || header->cmsg_level == IPPROTO_IPV6) return header;
  }
  return nullptr;
}

/// Turns "was sent to this address" into "send from this address", the only control message left.
bool turn_around(msghdr& message) {
  cmsghdr* header = destination_of(message);
  if (header == nullptr) return false;
  const std::size_t length = CMSG_SPACE(header->cmsg_len - CMSG_LEN(0));
  std::memmove(message.msg_control, header, header->cmsg_len);
  message.msg_controllen = length;
  header = CMSG_FIRSTHDR(&message);
  if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(header), sizeof info);
    info.ipi_spec_dst = info.ipi_addr;
    info.ipi_ifindex = 0;
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    return true;
  }
  return header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO;
}

Received receive(int socket, Datagram& datagram) {
  iovec buffer{datagram.bytes.data(), datagram.bytes.size()};
  msghdr message{};
  message.msg_name = &datagram.peer;
  message.msg_namelen = sizeof datagram.peer;
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = datagram.control.data();
  message.msg_controllen = datagram.control.size();
  const ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) {
    if (errno == EAGAIN) return Received::nothing;
    // ECONNREFUSED: an earlier answer found its asker gone.
    return errno == EINTR || errno == ECONNREFUSED ? Received::dropped : Received::failed;
  }
  datagram.caller = caller_of(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || !turn_around(message)) {
    return Received::dropped;
  }
  datagram.size = static_cast<std::size_t>(count);
  datagram.peer_length = message.msg_namelen;
  datagram.control_length = message.msg_controllen;
  return Received::query;
}

void send_answer(int socket, Datagram& query, std::vector<std::uint8_t>& answer) {
  iovec buffer{answer.data(), answer.size()};
  msghdr message{};
  message.msg_name = &query.peer;
  message.msg_namelen = query.peer_length;
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = query.control.data();
  message.msg_controllen = query.control_length;
  // A datagram that cannot be sent is lost, as datagrams may be: the client asks again.
  (void)::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void set_option(int socket, int level, int option, const char* doing) {
  const int on = 1;
  base::check_sys(::setsockopt(socket, level, option, &on, sizeof on), doing);
}

}  // namespace

void DnsServer::prepare(int udp_socket, Family family) {
  ask_for_callers(udp_socket);
  if (family == Family::ipv4) {
    set_option(udp_socket, IPPROTO_IP, IP_PKTINFO, "asking for the address a query was sent to");
    return;
  }
  set_option(udp_socket, IPPROTO_IPV6, IPV6_RECVPKTINFO,
             "asking for the IPv6 address a query was sent to");
  // The address asked is local by a route only; IPv6 else wants it on an interface to send from it.
  set_option(udp_socket, IPPROTO_IPV6, IPV6_FREEBIND, "answering from any IPv6 address");
}

asio::awaitable<void> DnsServer::serve_datagrams(std::shared_ptr<Descriptor> socket) {
  const auto datagram = std::make_unique<Datagram>();
  while (socket->is_open()) {
    const auto [error] = co_await socket->async_wait(Descriptor::wait_read, kAwait);
    if (error || !socket->is_open()) co_return;
    Received received = Received::query;
    for (int turn = 0; turn < kDatagramsPerTurn; ++turn) {
      received = receive(socket->native_handle(), *datagram);
      if (received == Received::nothing || received == Received::failed) break;
      if (received == Received::dropped) continue;
      auto answer = names_.answer({datagram->bytes.data(), datagram->size}, datagram->caller);
      if (answer) send_answer(socket->native_handle(), *datagram, *answer);
    }
    if (received == Received::failed) co_await pause();
  }
}

struct DnsServer::Connection {
  Connection(const asio::any_io_executor& executor, base::UniqueFd client)
      : socket(watch(executor, std::move(client))) {}
  Descriptor socket;
  Clock::time_point last_query = Clock::now();
};

void DnsServer::serve_connection(const asio::any_io_executor& executor, base::UniqueFd client) {
  if (connections_.size() >= services_->limits.dns_connections) {
    services_->recorder.limit_reached("DNS connections at once", services_->limits.dns_connections);
    reset_on_close(client.get());
    return;
  }
  auto connection = std::make_shared<Connection>(executor, std::move(client));
  connections_.insert(connection);
  asio::co_spawn(
      executor, [self = shared_from_this(), connection] { return self->answer_stream(connection); },
      kRethrow);
}

asio::awaitable<void> DnsServer::answer_stream(std::shared_ptr<Connection> connection) {
  // Not `while (co_await …)`: for that, GCC 12 makes code that traps (seen with its sanitizers).
  for (;;) {
    const bool answered = co_await answer_next(*connection);
    if (!answered) break;
    connection->last_query = Clock::now();
  }
  connections_.erase(connection);
}

asio::awaitable<bool> DnsServer::answer_next(Connection& connection) {
  std::array<std::uint8_t, 2> length{};
  const auto [length_error, length_count] =
      co_await asio::async_read(connection.socket, asio::buffer(length), kAwait);
  if (length_error) co_return false;
  std::vector<std::uint8_t> message(static_cast<std::size_t>(length[0]) << 8U | length[1]);
  const auto [error, count] =
      co_await asio::async_read(connection.socket, asio::buffer(message), kAwait);
  if (error) co_return false;
  const auto answer = names_.answer(message, caller_of(connection.socket.native_handle()));
  if (!answer) co_return false;
  length = {static_cast<std::uint8_t>(answer->size() >> 8U),
            static_cast<std::uint8_t>(answer->size() & 0xffU)};
  const std::array buffers{asio::const_buffer(asio::buffer(length)),
                           asio::const_buffer(asio::buffer(*answer))};
  const auto [write_error, written] =
      co_await asio::async_write(connection.socket, buffers, kAwait);
  co_return !write_error;
}

void DnsServer::close_idle(Clock::time_point since) {
  for (const auto& connection : connections_) {
    if (connection->last_query >= since) continue;
    boost::system::error_code ignored;  // its coroutine ends, whatever close(2) says
    connection->socket.close(ignored);
  }
}

}  // namespace sandbox_run::broker
