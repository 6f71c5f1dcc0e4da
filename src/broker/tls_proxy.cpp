#include "broker/tls_proxy.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <utility>

#include "broker/address.h"
#include "broker/limits.h"

namespace sandbox_run::broker {
namespace {

namespace ssl = asio::ssl;
using boost::system::error_code;

constexpr std::size_t kBuffer = 64U << 10;

/// Made when first needed: it reads all authorities of the host.
ssl::context& client_context() {
  static ssl::context context = [] {
    ssl::context made(ssl::context::tls_client);
    made.set_default_verify_paths();
    made.set_verify_mode(ssl::verify_peer);
    ::SSL_CTX_set_min_proto_version(made.native_handle(), TLS1_2_VERSION);
    return made;
  }();
  return context;
}

class Tunnel : public std::enable_shared_from_this<Tunnel> {
 public:
  Tunnel(const asio::any_io_executor& executor, base::UniqueFd proxy)
      : tls_(watch(executor, std::move(proxy)), client_context()), local_(executor) {}

  /// "": the proxy has let the connection through.
  asio::awaitable<std::string> open(std::string host, ProxyDialogue& dialogue) {
    tls_.set_verify_callback(ssl::host_name_verification(host));
    if (!Address::parse(host)) ::SSL_set_tlsext_host_name(tls_.native_handle(), host.c_str());
    const auto [failure] = co_await tls_.async_handshake(ssl::stream_base::client, kAwait);
    if (failure) co_return "TLS: " + failure.message();
    for (;;) {
      const std::string outgoing = dialogue.take_outgoing();
      const auto [write_error, written] =
          co_await asio::async_write(tls_, asio::buffer(outgoing), kAwait);
      if (write_error) co_return "the proxy closed";
      const auto [read_error, count] = co_await tls_.async_read_some(asio::buffer(down_), kAwait);
      if (read_error) co_return "the proxy closed";
      heard_.append(down_.data(), count);
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
    return std::move(pair.ours);
  }

 private:
  asio::awaitable<void> carry_up() {
    for (;;) {
      const auto [error, count] = co_await local_.async_read_some(asio::buffer(up_), kAwait);
      if (error == asio::error::eof) break;
      if (error) co_return close();
      const auto [failure, written] =
          co_await asio::async_write(tls_, asio::buffer(up_.data(), count), kAwait);
      if (failure) co_return close();
    }
    // The answer may still be under way, but the proxy can't be told that this was all: what hears
    // nothing more for a while, or has nobody left to hear it, is over.
    using namespace asio::experimental::awaitable_operators;
    asio::steady_timer quiet(local_.get_executor());
    std::uint64_t heard = 0;
    do {
      heard = heard_bytes_;
      quiet.expires_after(kHalfClosedIdle);
      const auto first =
          co_await (local_.async_wait(Descriptor::wait_error, kAwait) || quiet.async_wait(kAwait));
      if (first.index() == 0) break;
    } while (heard != heard_bytes_);
    close();
  }

  asio::awaitable<void> carry_down() {
    if (!heard_.empty()) {
      const auto [error, written] =
          co_await asio::async_write(local_, asio::buffer(heard_), kAwait);
      if (error) co_return close();
    }
    for (;;) {
      const auto [error, count] = co_await tls_.async_read_some(asio::buffer(down_), kAwait);
      if (error) co_return close();
      heard_bytes_ += count;
      const auto [failure, written] =
          co_await asio::async_write(local_, asio::buffer(down_.data(), count), kAwait);
      if (failure) co_return close();
    }
  }

  void close() {
    error_code ignored;  // of either side: it is over
    tls_.lowest_layer().close(ignored);
    local_.close(ignored);
  }

  ssl::stream<Descriptor> tls_;
  Descriptor local_;
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
