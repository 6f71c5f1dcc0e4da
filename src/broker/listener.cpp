#include "broker/listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "broker/limits.h"

namespace sandbox_run::broker {
namespace {

/// One connection passed on, or the errno that ends this turn.
int accept_one(int listening, const AcceptHandlers& handlers) {
  base::UniqueFd client(::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  // ECONNABORTED: that client has gone again, others wait behind it.
  if (!client) return errno == EINTR || errno == ECONNABORTED ? 0 : errno;
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  if (::getsockname(client.get(), reinterpret_cast<sockaddr*>(&local), &length) != 0) return 0;
  const auto destination = from_sockaddr(local);
  if (!destination) return 0;
  try {
    handlers.accepted(std::move(client), *destination);
  } catch (const std::exception&) {  // no memory or kernel resources; the connection is closed
    return ENOMEM;
  }
  return 0;
}

}  // namespace

asio::awaitable<void> accept_connections(std::shared_ptr<Descriptor> socket,
                                         AcceptHandlers handlers) {
  while (socket->is_open()) {
    const auto [error] = co_await socket->async_wait(Descriptor::wait_read, kAwait);
    if (error) co_return;
    int failure = 0;
    for (int turn = 0; turn < kAcceptsPerTurn && failure == 0; ++turn) {
      if (!socket->is_open()) co_return;  // a handler shut the broker down
      failure = accept_one(socket->native_handle(), handlers);
    }
    if (failure != 0 && failure != EAGAIN) {
      handlers.exhausted();
      co_await pause();
    }
  }
}

asio::awaitable<void> pause() {
  asio::steady_timer timer(co_await asio::this_coro::executor, kRetryDelay);
  co_await timer.async_wait(kAwait);
}

}  // namespace sandbox_run::broker
