#include "broker/tls_proxy.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <utility>

#include "broker/limits.h"
#include "broker/tls_client.h"

namespace sandbox_run::broker {
namespace {

constexpr std::size_t kBuffer = 64U << 10;

class Tunnel : public std::enable_shared_from_this<Tunnel> {
 public:
  Tunnel(const asio::any_io_executor& executor, base::UniqueFd proxy)
      : tls_(executor, std::move(proxy)), local_(executor), quiet_(executor) {}

  /// "": the proxy has let the connection through.
  asio::awaitable<std::string> open(std::string host, ProxyDialogue& dialogue) {
    const std::string failure = co_await tls_.open(std::move(host));
    if (!failure.empty()) co_return "TLS: " + failure;
    for (;;) {
      const std::string outgoing = dialogue.take_outgoing();
      if (!co_await tls_.write(outgoing)) co_return "the proxy closed";
      const auto count = co_await tls_.read(down_);
      if (count.value_or(0) == 0) co_return "the proxy closed";
      heard_.append(down_.data(), *count);
      const ProxyDialogue::Step step = dialogue.hear(heard_);
      heard_.erase(0, step.consumed);
      if (step.state == ProxyDialogue::State::refused) co_return step.reason;
      if (step.state == ProxyDialogue::State::open) co_return "";
    }
  }

  /// Carries both directions from now on; keeps itself. Returns the end to speak to.
  base::UniqueFd carry() {
    // A stream, as the relay's splice(2) wants it.
    base::SocketPair pair = base::make_socket_pair(SOCK_STREAM | SOCK_NONBLOCK);
    local_ = watch(local_.get_executor(), std::move(pair.theirs));
    asio::co_spawn(
        local_.get_executor(), [self = shared_from_this()] { return self->carry_up(); }, kRethrow);
    asio::co_spawn(
        local_.get_executor(), [self = shared_from_this()] { return self->carry_down(); },
        kRethrow);
    asio::co_spawn(
        local_.get_executor(), [self = shared_from_this()] { return self->end_with_relay(); },
        kRethrow);
    return std::move(pair.ours);
  }

 private:
  asio::awaitable<void> carry_up() {
    for (;;) {
      const auto [error, count] = co_await local_.async_read_some(asio::buffer(up_), kAwait);
      if (error == asio::error::eof) break;
      if (error || !co_await tls_.write({up_.data(), count})) co_return close();
    }
    up_ended_ = true;
    if (down_ended_) co_return close();
    if (!tls_.can_end_one_way()) {
      co_await until_quiet();
      co_return close();
    }
    if (!co_await tls_.end()) close();
  }

  /// Nobody is left to hear an answer, and a proxy that reads no more must not keep this here.
  /// After the proxy's end it may be the client's alone (unix(7) tells both alike): what it said
  /// last has its time.
  asio::awaitable<void> end_with_relay() {
    (void)co_await local_.async_wait(Descriptor::wait_error, kAwait);
    if (down_ended_ && local_.is_open()) {
      quiet_.expires_after(kHalfClosedIdle);
      (void)co_await quiet_.async_wait(kAwait);
    }
    close();
  }

  asio::awaitable<void> carry_down() {
    if (!co_await pass_down(heard_)) co_return close();
    for (;;) {
      const auto count = co_await tls_.read(down_);
      if (!count) co_return close();
      if (*count == 0) break;
      heard_bytes_ += *count;
      if (!co_await pass_down({down_.data(), *count})) co_return close();
    }
    if (up_ended_ || !tls_.can_end_one_way()) co_return close();
    down_ended_ = true;
    (void)::shutdown(local_.native_handle(), SHUT_WR);
  }

  asio::awaitable<bool> pass_down(std::string_view bytes) {
    const auto [error, written] = co_await asio::async_write(local_, asio::buffer(bytes), kAwait);
    co_return !error;
  }

  /// The answer may still be under way, but the proxy can't be told that this was all: what hears
  /// nothing more for a while is over.
  asio::awaitable<void> until_quiet() {
    std::uint64_t heard = 0;
    do {
      heard = heard_bytes_;
      quiet_.expires_after(kHalfClosedIdle);
      const auto [error] = co_await quiet_.async_wait(kAwait);
      if (error) break;
    } while (heard != heard_bytes_);
  }

  void close() {
    tls_.close();
    quiet_.cancel();
    boost::system::error_code ignored;  // it is over
    local_.close(ignored);
  }

  TlsClient tls_;
  Descriptor local_;
  asio::steady_timer quiet_;
  bool up_ended_ = false;
  bool down_ended_ = false;
  std::string heard_;  // beyond the proxy's answer
  std::uint64_t heard_bytes_ = 0;
  std::array<char, kBuffer> up_{};
  std::array<char, kBuffer> down_{};
};

}  // namespace

asio::awaitable<Upstream> converse_by_tls(Upstream proxy, std::string host, ProxyDialogue& dialogue,
                                          std::chrono::milliseconds limit) {
  using namespace asio::experimental::awaitable_operators;
  const auto executor = co_await asio::this_coro::executor;
  const auto tunnel = std::make_shared<Tunnel>(executor, std::move(proxy.socket));
  asio::steady_timer timer(executor, limit);
  const auto first = co_await (tunnel->open(std::move(host), dialogue) || timer.async_wait(kAwait));
  proxy.error = first.index() == 1 ? "the proxy did not answer in time" : std::get<0>(first);
  if (proxy.error.empty()) proxy.socket = tunnel->carry();
  co_return std::move(proxy);
}

}  // namespace sandbox_run::broker
