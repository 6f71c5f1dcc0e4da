#include "broker/proxy_connect.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <utility>

#include "base/format.h"
#include "broker/proxy_dialogue.h"
#include "broker/tls_proxy.h"

namespace sandbox_run::broker {
namespace {

/// What the socket holds, left in it; "" and an errno (0: the end) if there is nothing.
struct Peeked {
  std::string bytes;
  int error = 0;
};

Peeked peek(int socket) {
  std::array<char, 4096> buffer;
  const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0) return {"", errno};
  return {std::string(buffer.data(), static_cast<std::size_t>(count)), 0};
}

void take(int socket, std::size_t count) {
  std::array<char, 4096> buffer;
  // Peeked before, so it is there.
  if (count > 0) (void)::recv(socket, buffer.data(), std::min(count, buffer.size()), MSG_DONTWAIT);
}

/// "": the proxy has let the connection through.
asio::awaitable<std::string> converse(Descriptor& socket, ProxyDialogue& dialogue) {
  std::size_t heard = 0;  // bytes shown already, and not enough
  for (;;) {
    const std::string outgoing = dialogue.take_outgoing();
    if (!outgoing.empty()) {
      const auto [error, count] =
          co_await asio::async_write(socket, asio::buffer(outgoing), kAwait);
      if (error) co_return "the proxy closed";
    }
    // Of an answer that came in part, the rest: a peek alone would show the same again at once.
    const int wanted = static_cast<int>(heard + 1);
    (void)::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof wanted);
    const auto [error] = co_await socket.async_wait(Descriptor::wait_read, kAwait);
    if (error) co_return "the proxy closed";
    const Peeked peeked = peek(socket.native_handle());
    if (peeked.bytes.empty()) {
      if (peeked.error == EAGAIN || peeked.error == EINTR) continue;
      co_return "the proxy closed";
    }
    if (peeked.bytes.size() <= heard) co_return "the proxy closed";  // the end came before the rest
    const ProxyDialogue::Step step = dialogue.hear(peeked.bytes);
    take(socket.native_handle(), step.consumed);
    heard = peeked.bytes.size() - step.consumed;
    if (step.state == ProxyDialogue::State::refused) co_return step.reason;
    if (step.state == ProxyDialogue::State::open) break;
    if (step.consumed > 0) heard = 0;
  }
  const int one = 1;
  (void)::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one);
  co_return "";
}

asio::awaitable<std::string> converse_in_time(int fd, ProxyDialogue& dialogue,
                                              std::chrono::milliseconds limit) {
  using namespace asio::experimental::awaitable_operators;
  const auto executor = co_await asio::this_coro::executor;
  Descriptor socket = watch(executor, base::duplicate(fd));
  asio::steady_timer timer(executor, limit);
  const auto first = co_await (converse(socket, dialogue) || timer.async_wait(kAwait));
  if (first.index() == 1) co_return "the proxy did not answer in time";
  co_return std::get<0>(first);
}

}  // namespace

asio::awaitable<Upstream> connect_by_proxy(std::shared_ptr<Services> services,
                                           const policy::Proxy& proxy, std::string host,
                                           std::uint16_t port) {
  Upstream result;
  std::vector<Address> addresses;
  if (const auto literal = Address::parse(proxy.host)) {
    addresses = {*literal};
  } else {
    Resolution resolution = co_await services->resolver.resolve(proxy.host);
    if (!resolution.error.empty()) {
      result.error = "looking up the proxy " + proxy.host + ": " + resolution.error;
      co_return std::move(result);
    }
    addresses = std::move(resolution.addresses);
  }
  result = co_await connect_upstream(std::move(addresses), proxy.port, services->limits);
  if (!result.socket) {
    result.error = "the proxy: " + result.error;
    co_return std::move(result);
  }
  ProxyDialogue dialogue(proxy, host, port);
  const auto limit = services->limits.connect_timeout;
  std::string problem;
  if (proxy.scheme == policy::Proxy::Scheme::https) {
    result = co_await converse_by_tls(std::move(result), proxy.host, dialogue, limit);
    problem = result.error;
  } else {
    problem = co_await converse_in_time(result.socket.get(), dialogue, limit);
  }
  if (!problem.empty()) {
    result.socket.reset();
    result.error = base::format("by the proxy {}:{}: {}", proxy.host, proxy.port, problem);
  }
  co_return std::move(result);
}

}  // namespace sandbox_run::broker
