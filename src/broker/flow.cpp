#include "broker/flow.h"

#include <exception>
#include <utility>

#include "base/format.h"
#include "broker/leak_screen.h"
#include "broker/proxy_connect.h"
#include "policy/egress.h"

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
    case TcpRelay::End::refused:
      return "refused";
  }
  return "";
}

}  // namespace

Flow::Flow(asio::any_io_executor executor, std::shared_ptr<Services> services,
           base::UniqueFd client, Admission admission, const Endpoint& destination)
    : executor_(std::move(executor)),
      services_(std::move(services)),
      client_(watch(executor_, std::move(client))),
      admission_(std::move(admission)),
      destination_(destination) {}

void Flow::start(std::function<void()> on_end) {
  on_end_ = std::move(on_end);
  asio::co_spawn(
      executor_, [self = shared_from_this()] { return self->open(); }, kRethrow);
}

asio::awaitable<void> Flow::open() {
  try {
    TcpRelay::Screening screening{make_screens(), 0, services_->pending};
    if (admission_.rule->protocol != policy::EgressRule::Protocol::any) {
      co_await screen_first_bytes(screening);
    }
    if (ended_) co_return;
    Upstream upstream = co_await connect();
    if (ended_) co_return;
    if (!upstream.socket) {
      fail(upstream.error);
    } else {
      relay_to(std::move(upstream.socket), upstream.address, std::move(screening));
    }
  } catch (const std::exception& exception) {  // descriptors, memory: ends this flow only
    fail(exception.what());
  }
}

/// nullptr: all passes.
std::unique_ptr<Screen> Flow::make_screens() const {
  std::unique_ptr<Screen> screen;
  if (admission_.rule->protocol != policy::EgressRule::Protocol::any) {
    screen = make_screen(Pin(admission_, destination_));
  }
  if (services_->leaks == nullptr) return screen;
  const auto record = [services = services_, host = admission_.host, port = destination_.port,
                       caller = admission_.caller](const policy::Leak& leak) {
    services->recorder.decoy_leaked(leak, host, port, caller);
  };
  return std::make_unique<LeakScreen>(std::move(screen), *services_->leaks, record);
}

/// Waits until it can be told whom the connection is for; ends the flow if that is nobody who may
/// be reached.
asio::awaitable<void> Flow::screen_first_bytes(TcpRelay::Screening& screening) {
  using Kind = Inspector::Result::Kind;
  Inspector inspector(*screening.screen, Direction::up, screening.buffer);
  Inspector::Result result = inspector.look(client_.native_handle());
  awaits_first_bytes_ = true;
  while (result.kind == Kind::wait) {
    const auto [error] = co_await client_.async_wait(Descriptor::wait_read, kAwait);
    if (ended_) co_return;
    if (error) break;
    result = inspector.look(client_.native_handle());
  }
  awaits_first_bytes_ = false;
  if (result.kind == Kind::refuse) {
    refuse(result.objection);
  } else if (result.kind != Kind::pass || result.bytes == Verdict::kAll) {
    leave_unused();
  }
  screening.passed = result.bytes;
}

/// By the host's proxy, if it goes by one to this name or address; it looks the name up itself.
asio::awaitable<Upstream> Flow::connect() {
  const bool on_this_host = admission_.rule->host.is_loopback();
  const std::string& name = admission_.lookup.empty() ? admission_.host : admission_.lookup;
  const std::uint16_t port = destination_.port;
  const policy::Proxy* proxy =
      on_this_host ? nullptr : policy::proxy_for(services_->proxies, name, port);
  if (proxy != nullptr) {
    proxy_ = base::format("{}:{}", proxy->host, proxy->port);
    // An address literal is judged here; what a name leads to, only the proxy knows.
    if (admission_.lookup.empty()) co_await find_addresses();
    if (ended_) co_return Upstream{};
    co_return co_await connect_by_proxy(services_, *proxy, name, port);
  }
  std::vector<Address> addresses = co_await find_addresses();
  if (ended_) co_return Upstream{};
  co_return co_await connect_upstream(std::move(addresses), port, services_->limits);
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
    services_->recorder.flow_denied(
        {address, destination_.port}, admission_.host,
        {"",
         "it is at a loopback, link-local or private address, which "
         "its rule does not cover",
         Objection::About::host,
         policy::classify_address(address.bytes()) == policy::AddressKind::private_network},
        admission_.caller);
  }
  if (candidates.allowed.empty()) close("denied");
  co_return std::move(candidates.allowed);
}

void Flow::relay_to(base::UniqueFd upstream, const Address& address,
                    TcpRelay::Screening screening) {
  opened_ = std::chrono::steady_clock::now();
  relay_ = std::make_shared<TcpRelay>(std::move(client_), watch(executor_, std::move(upstream)),
                                      services_->pipes, std::move(screening));
  relay_->start([self = shared_from_this()](TcpRelay::End end) { self->on_relay_end(end); });
  // After the first bytes have gone on: they need not wait for the log.
  services_->recorder.flow_opened(admission_.host, {address, destination_.port}, proxy_,
                                  admission_.caller);
}

void Flow::on_relay_end(TcpRelay::End end) {
  if (end == TcpRelay::End::refused) {
    services_->recorder.flow_denied(destination_, admission_.host, relay_->objection(),
                                    admission_.caller);
  }
  close(to_words(end));
}

void Flow::refuse(const Objection& objection) {
  services_->recorder.flow_denied(destination_, admission_.host, objection, admission_.caller);
  close("refused");
}

void Flow::fail(const std::string& reason) {
  if (ended_) return;
  services_->recorder.flow_failed(admission_.host, destination_.port, reason, admission_.caller);
  close(reason);
}

/// The client thought better of it: nothing was sent, and nobody was connected to.
void Flow::leave_unused() {
  if (ended_) return;
  services_->recorder.flow_unused(admission_.host, destination_.port, admission_.caller);
  close("unused");
}

void Flow::end(std::string_view reason) {
  on_end_ = nullptr;
  if (relay_) relay_->abort();
  close(reason);
}

bool Flow::end_if_overdue(std::chrono::steady_clock::time_point now) {
  const Limits& limits = services_->limits;
  if (awaits_first_bytes_ && accepted_ < now - limits.first_bytes) {
    services_->recorder.flow_denied(
        destination_, admission_.host,
        {"",
         "it did not say for which host it is; where the host speaks first, the rule must be for "
         "protocol \"any\""},
        admission_.caller);
    end("refused");
    return true;
  }
  if (!relay_ || relay_->last_activity() >= now - limits.flow_idle) return false;
  end("idle");
  return true;
}

void Flow::close(std::string_view reason) {
  if (std::exchange(ended_, true)) return;
  if (client_.is_open()) {
    reset_on_close(client_.native_handle());
    boost::system::error_code ignored;  // close(2) after a reset may report the peer's error
    client_.close(ignored);
  }
  if (relay_) {
    Recorder& recorder = services_->recorder;
    recorder.count_bytes(bytes_up(), bytes_down());
    const auto duration = std::chrono::steady_clock::now() - opened_;
    recorder.flow_closed(
        {.host = admission_.host,
         .port = destination_.port,
         .bytes_up = bytes_up(),
         .bytes_down = bytes_down(),
         .duration = std::chrono::duration_cast<std::chrono::milliseconds>(duration),
         .reason = reason,
         .caller = admission_.caller});
  }
  if (on_end_) std::exchange(on_end_, nullptr)();
}

}  // namespace sandbox_run::broker
