#include "broker/upstream.h"

#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/sys_error.h"

namespace sandbox_run::broker {
namespace {

base::UniqueFd make_socket(const Address& address) {
  const int family = address.is_ipv6() ? AF_INET6 : AF_INET;
  return base::UniqueFd(
      base::check_sys(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP),
                      "making a socket"));
}

int pending_error(int socket) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

/// The outcome of a connect(2) under way: 0 or an errno.
asio::awaitable<int> finish_connect(int socket, std::chrono::milliseconds timeout) {
  using namespace asio::experimental::awaitable_operators;
  const auto executor = co_await asio::this_coro::executor;
  Descriptor descriptor = watch(executor, base::duplicate(socket));
  asio::steady_timer timer(executor, timeout);
  const auto first =
      co_await (descriptor.async_wait(Descriptor::wait_write, kAwait) || timer.async_wait(kAwait));
  if (first.index() == 1) co_return ETIMEDOUT;
  if (std::get<0>(std::get<0>(first))) co_return ECANCELED;
  co_return pending_error(socket);
}

asio::awaitable<int> connect_one(int socket, Endpoint endpoint, std::chrono::milliseconds timeout) {
  const SocketAddress target = to_sockaddr(endpoint);
  if (::connect(socket, target.get(), target.length) == 0) co_return 0;
  const int error = errno;
  if (error != EINPROGRESS) co_return error;
  co_return co_await finish_connect(socket, timeout);
}

}  // namespace

asio::awaitable<Upstream> connect_upstream(std::vector<Address> addresses, std::uint16_t port,
                                           Limits limits) {
  Upstream result;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const bool last = i + 1 == addresses.size();
    int error = 0;
    try {
      base::UniqueFd socket = make_socket(addresses[i]);
      error = co_await connect_one(socket.get(), {addresses[i], port},
                                   last ? limits.last_connect_timeout : limits.connect_timeout);
      if (error == 0) {
        // Both ends' Nagle is off: what comes in goes out, a relay must not add a round trip.
        const int on = 1;
        (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        result.socket = std::move(socket);
        result.address = addresses[i];
        co_return std::move(result);
      }
    } catch (const base::SysError& failure) {  // no descriptors left, no IPv6 in the host's kernel
      error = failure.error_number();
    }
    result.error = fmt::format("connecting to {} port {}: {}", addresses[i].text(), port,
                               std::generic_category().message(error));
  }
  co_return std::move(result);
}

}  // namespace sandbox_run::broker
