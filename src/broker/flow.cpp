#include "broker/flow.h"

#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <exception>
#include <utility>

#include "broker/proxy_connect.h"

namespace sandbox_run::broker {
namespace {

std::string_view to_words(TcpRelay::End end) {
  switch (end) {
    case TcpRelay::End::finished:
      return "finished";
    case TcpRelay::End::client_lost:
      return "reset by the client";
    case TcpRelay::End::upstream_lost:
      return "reset by the host";
    case TcpRelay::End::out_of_resources:
      return "no pipe to be had";
  }
  return "";
}

}  // namespace

Flow::Flow(asio::any_io_executor executor, std::shared_ptr<Services> services,
           base::UniqueFd client, Admission admission, std::uint16_t port)
    : executor_(std::move(executor)),
      services_(std::move(services)),
      client_(std::move(client)),
      admission_(std::move(admission)),
      port_(port) {}

void Flow::start(std::function<void()> on_end) {
  on_end_ = std::move(on_end);
  const int on = 1;
  (void)::setsockopt(client_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  asio::co_spawn(
      executor_, [self = shared_from_this()] { return self->open(); }, kRethrow);
}

asio::awaitable<void> Flow::open() {
  try {
    // Whoever inspects a flow's first bytes does it here, with MSG_PEEK: the relay sends them on.
    Upstream upstream = co_await connect();
    if (ended_) co_return;
    if (!upstream.socket) {
      fail(upstream.error);
    } else {
      relay_to(std::move(upstream.socket), upstream.address);
    }
  } catch (const std::exception& exception) {  // descriptors, memory: ends this flow only
    fail(exception.what());
  }
}

/// By the host's proxy, if it goes by one to this name or address; it looks the name up itself.
asio::awaitable<Upstream> Flow::connect() {
  const bool on_this_host = admission_.rule->host.is_loopback();
  const std::string& name = admission_.lookup.empty() ? admission_.host : admission_.lookup;
  const policy::Proxy* proxy =
      on_this_host ? nullptr : policy::proxy_for(services_->proxies, name, port_);
  if (proxy != nullptr) {
    proxy_ = fmt::format("{}:{}", proxy->host, proxy->port);
    // An address literal is judged here; what a name leads to, only the proxy knows.
    if (admission_.lookup.empty()) co_await find_addresses();
    if (ended_) co_return Upstream{};
    co_return co_await connect_by_proxy(services_, *proxy, name, port_);
  }
  std::vector<Address> addresses = co_await find_addresses();
  if (ended_) co_return Upstream{};
  co_return co_await connect_upstream(std::move(addresses), port_, services_->limits);
}

/// What may be connected to; ends the flow if that is nothing.
asio::awaitable<std::vector<Address>> Flow::find_addresses() {
  if (!admission_.lookup.empty()) {
    Resolution resolution = co_await services_->resolver.resolve(admission_.lookup);
    if (ended_) co_return std::vector<Address>{};
    if (!resolution.error.empty()) {
      fail("looking up " + admission_.lookup + ": " + resolution.error);
      co_return std::vector<Address>{};
    }
    admission_.addresses = std::move(resolution.addresses);
  }
  Candidates candidates = judge_candidates(admission_, admission_.addresses);
  for (const Address& address : candidates.refused) {
    services_->recorder.flow_denied({address, port_}, admission_.host,
                                    "it is at a loopback, link-local or private address, which "
                                    "its rule does not cover",
                                    admission_.caller);
  }
  if (candidates.allowed.empty()) close("denied");
  co_return std::move(candidates.allowed);
}

void Flow::relay_to(base::UniqueFd upstream, const Address& address) {
  opened_ = std::chrono::steady_clock::now();
  services_->recorder.flow_opened(admission_.host, {address, port_}, proxy_, admission_.caller);
  relay_ = std::make_shared<TcpRelay>(executor_, std::move(client_), std::move(upstream),
                                      services_->pipes);
  relay_->start([self = shared_from_this()](TcpRelay::End end) { self->close(to_words(end)); });
}

void Flow::fail(const std::string& reason) {
  if (ended_) return;
  services_->recorder.flow_failed(admission_.host, port_, reason, admission_.caller);
  close(reason);
}

void Flow::end(std::string_view reason) {
  on_end_ = nullptr;
  if (relay_) relay_->abort();
  close(reason);
}

void Flow::close(std::string_view reason) {
  if (std::exchange(ended_, true)) return;
  if (client_) reset_on_close(client_.get());
  client_.reset();
  if (relay_) {
    Recorder& recorder = services_->recorder;
    recorder.count_bytes(bytes_up(), bytes_down());
    const auto duration = std::chrono::steady_clock::now() - opened_;
    recorder.flow_closed(
        {.host = admission_.host,
         .port = port_,
         .bytes_up = bytes_up(),
         .bytes_down = bytes_down(),
         .duration = std::chrono::duration_cast<std::chrono::milliseconds>(duration),
         .reason = reason,
         .caller = admission_.caller});
  }
  if (on_end_) std::exchange(on_end_, nullptr)();
}

}  // namespace sandbox_run::broker
