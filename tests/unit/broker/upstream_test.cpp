// Connecting to where it takes a while: what loopback answers at once, a real network does not.

#include "broker/upstream.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <exception>
#include <utility>
#include <vector>

#include "broker/event_loop_impl.h"
#include "support.h"

namespace sandbox_run::broker {
namespace {

/// Connections under way until the listening socket answers no more.
std::vector<base::UniqueFd> fill_backlog(const Endpoint& endpoint) {
  std::vector<base::UniqueFd> waiting;
  for (int i = 0; i < 64; ++i) {
    base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const SocketAddress address = to_sockaddr(endpoint);
    (void)::connect(socket.get(), address.get(), address.length);
    pollfd entry{.fd = socket.get(), .events = POLLOUT, .revents = 0};
    const bool answered = ::poll(&entry, 1, 0) == 1;
    waiting.push_back(std::move(socket));
    if (!answered) return waiting;
  }
  FAIL("the backlog takes all");
  return waiting;
}

TEST_CASE("a connection that is not made at once is waited for") {
  const auto listening = test::listen_on({Address::ipv4_loopback(), 0}, 0);
  const Endpoint endpoint{Address::ipv4_loopback(), test::port_of(listening.get())};
  std::vector<base::UniqueFd> waiting = fill_backlog(endpoint);

  asio::io_context context{1};
  Upstream upstream;
  asio::co_spawn(context,
                 connect_upstream(std::vector<Address>{endpoint.address}, endpoint.port, Limits{}),
                 [&](const std::exception_ptr& error, Upstream result) {
                   CHECK_FALSE(error);
                   upstream = std::move(result);
                 });
  context.poll();
  CHECK_FALSE(upstream.socket);
  // Room again: the kernel's next attempt, a second later, is answered.
  while (::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC) >= 0) {
  }
  waiting.pop_back();  // which tries again as well, and would take the room
  context.run();
  CHECK(upstream.error == "");
  REQUIRE(upstream.socket);
  CHECK(upstream.address == endpoint.address);
}

}  // namespace
}  // namespace sandbox_run::broker
