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
#include "broker/dns_datagram.h"
#include "broker/listener.h"
#include "broker/tcp_relay.h"

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78  // linux/in6.h, which cannot be included beside netinet/in.h
#endif

namespace sandbox_run::broker {
namespace {

using Clock = std::chrono::steady_clock;

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
  const auto datagram = std::make_unique<DnsDatagram>();
  while (socket->is_open()) {
    const auto [error] = co_await socket->async_wait(Descriptor::wait_read, kAwait);
    if (error || !socket->is_open()) co_return;
    DnsDatagram::Received received = DnsDatagram::Received::query;
    for (int turn = 0; turn < kDatagramsPerTurn; ++turn) {
      received = datagram->receive(socket->native_handle());
      if (received == DnsDatagram::Received::nothing || received == DnsDatagram::Received::failed)
        break;
      if (received == DnsDatagram::Received::dropped) continue;
      auto answer = names_.answer({datagram->bytes.data(), datagram->size}, datagram->caller);
      if (!answer) continue;
      if (answer->lookup.empty()) {
        datagram->send_answer(socket->native_handle(), answer->message);
      } else {
        answer_later(socket, *datagram, std::move(*answer));
      }
    }
    if (received == DnsDatagram::Received::failed) co_await pause();
  }
}

/// The host's resolver may take long: other queries do not wait for it.
void DnsServer::answer_later(const std::shared_ptr<Descriptor>& socket, const DnsDatagram& query,
                             NameAnswer answer) {
  const auto asker = std::make_shared<DnsDatagram>(query);
  if (waiting_ >= services_->limits.waiting_queries) {
    services_->recorder.limit_reached("DNS queries waiting at once",
                                      services_->limits.waiting_queries);
    return asker->send_answer(socket->native_handle(), answer.failure);
  }
  ++waiting_;
  asio::co_spawn(
      socket->get_executor(),
      [self = shared_from_this(), socket, asker,
       answer = std::move(answer)]() -> asio::awaitable<void> {
        auto message = co_await self->decide(answer, asker->caller);
        --self->waiting_;
        if (socket->is_open()) asker->send_answer(socket->native_handle(), message);
      },
      kRethrow);
}

asio::awaitable<std::vector<std::uint8_t>> DnsServer::decide(const NameAnswer& answer,
                                                             Recorder::Caller caller) {
  if (answer.lookup.empty()) co_return answer.message;
  const Resolution resolution = co_await services_->resolver.resolve(answer.lookup);
  if (resolution.error.empty()) co_return answer.message;
  services_->recorder.name_failed(answer.lookup, resolution.error, caller);
  co_return answer.failure;
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
  const auto caller = caller_of(connection.socket.native_handle());
  const auto answer = names_.answer(message, caller);
  if (!answer) co_return false;
  const std::vector<std::uint8_t> decided = co_await decide(*answer, caller);
  length = {static_cast<std::uint8_t>(decided.size() >> 8U),
            static_cast<std::uint8_t>(decided.size() & 0xffU)};
  const std::array buffers{asio::const_buffer(asio::buffer(length)),
                           asio::const_buffer(asio::buffer(decided))};
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
