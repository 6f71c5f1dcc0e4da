#include "broker/broker.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <set>
#include <utility>
#include <variant>

#include "base/deferred_close.h"
#include "base/sys_error.h"
#include "broker/admission.h"
#include "broker/caller_mark.h"
#include "broker/dns_server.h"
#include "broker/event_loop_impl.h"
#include "broker/flow.h"
#include "broker/listener.h"
#include "broker/refusal_watch.h"
#include "broker/services.h"

namespace sandbox_run::broker {
namespace {

using Clock = std::chrono::steady_clock;

/// Two sockets for each flow, a pipe for those under way, and the rest of the supervisor.
void raise_descriptor_limit(const Limits& limits) {
  const rlim_t needed = 2 * limits.flows + limits.dns_connections + 512;
  rlimit limit{};
  base::check_sys(::getrlimit(RLIMIT_NOFILE, &limit), "reading the limit of descriptors");
  if (limit.rlim_cur >= needed) return;
  limit.rlim_cur = std::min(needed, limit.rlim_max);
  base::check_sys(::setrlimit(RLIMIT_NOFILE, &limit), "raising the limit of descriptors");
}

/// Accepted sockets inherit both. Both ends' Nagle is off: what comes in goes out, a relay must not
/// add a round trip. Urgent data stays in its place: see Inspector.
void prepare_for_flows(int listening) {
  const int on = 1;
  base::check_sys(::setsockopt(listening, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on),
                  "preparing the sandbox's sockets");
  base::check_sys(::setsockopt(listening, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on),
                  "preparing the sandbox's sockets");
}

RefusalSource refusal_source(const ListeningSocket& socket) {
  using Kind = RefusalSource::Kind;
  const auto family = socket.ipv6 ? RefusalSource::Family::ipv6 : RefusalSource::Family::ipv4;
  if (socket.kind == ListeningSocket::Kind::multicast) return {Kind::multicast, family};
  const bool tcp = socket.kind == ListeningSocket::Kind::refused_tcp;
  return {tcp ? Kind::reset : Kind::unreachable, family};
}

}  // namespace

class Broker::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(EventLoop& loop, policy::NetworkPolicy policy, events::EventSink& sink,
       const events::CallerTable& callers, const Limits& limits, policy::ProxyPolicy proxies,
       const policy::LeakFinder* leaks)
      : executor_(loop.impl().io.get_executor()),
        services_(std::make_shared<Services>(std::move(policy), sink, callers, limits,
                                             std::move(proxies), leaks)),
        dns_(std::make_shared<DnsServer>(services_)),
        sweeper_(executor_) {}

  void serve(ListeningSocket socket);
  void sweep_regularly();
  void shut_down();
  NetworkTotals totals() const;

 private:
  using FlowPointer = std::shared_ptr<Flow>;

  void serve_refusals(RefusalSocket refusals);
  void accept_flow(base::UniqueFd client, const Endpoint& destination);
  void start_flow(base::UniqueFd client, Admission admission, const Endpoint& destination);
  void sweep();

  asio::any_io_executor executor_;
  std::shared_ptr<Services> services_;
  std::shared_ptr<DnsServer> dns_;
  asio::steady_timer sweeper_;
  std::vector<std::shared_ptr<Descriptor>> sockets_;
  std::vector<RefusalSocket> refusals_;           // some of sockets_
  std::vector<base::DeferredClose> closed_late_;  // likewise
  std::set<FlowPointer> flows_;
};

void Broker::Impl::serve(ListeningSocket socket) {
  const auto family = socket.ipv6 ? DnsServer::Family::ipv6 : DnsServer::Family::ipv4;
  if (socket.kind == ListeningSocket::Kind::dns_udp) DnsServer::prepare(socket.fd.get(), family);
  if (socket.kind == ListeningSocket::Kind::tcp) prepare_for_flows(socket.fd.get());
  if (socket.kind == ListeningSocket::Kind::multicast) closed_late_.emplace_back(socket.fd.get());
  const auto descriptor = std::make_shared<Descriptor>(watch(executor_, std::move(socket.fd)));
  sockets_.push_back(descriptor);

  const std::weak_ptr<Impl> weak = weak_from_this();  // an accepting coroutine must not keep us
  AcceptHandlers handlers;
  handlers.exhausted = [services = services_] {
    services->recorder.limit_reached("descriptors of the supervisor", services->limits.flows);
  };
  switch (socket.kind) {
    case ListeningSocket::Kind::dns_udp:
      return asio::co_spawn(
          executor_, [dns = dns_, descriptor] { return dns->serve_datagrams(descriptor); },
          kRethrow);
    case ListeningSocket::Kind::refused_tcp:
    case ListeningSocket::Kind::refused_udp:
    case ListeningSocket::Kind::multicast:
      return serve_refusals({descriptor, refusal_source(socket)});
    case ListeningSocket::Kind::dns_tcp:
      handlers.accepted = [dns = dns_, executor = executor_](base::UniqueFd client,
                                                             const Endpoint&) {
        dns->serve_connection(executor, std::move(client));
      };
      break;
    case ListeningSocket::Kind::tcp:
      handlers.accepted = [weak](base::UniqueFd client, const Endpoint& destination) {
        if (const auto self = weak.lock()) self->accept_flow(std::move(client), destination);
      };
      break;
  }
  asio::co_spawn(executor_, accept_connections(descriptor, std::move(handlers)), kRethrow);
}

void Broker::Impl::serve_refusals(RefusalSocket refusals) {
  refusals_.push_back(refusals);
  asio::co_spawn(executor_, watch_refusals(std::move(refusals), services_), kRethrow);
}

void Broker::Impl::accept_flow(base::UniqueFd client, const Endpoint& destination) {
  const Limits& limits = services_->limits;
  if (flows_.size() >= limits.flows) {
    services_->recorder.limit_reached("flows at once", limits.flows);
    return reset_on_close(client.get());
  }
  const auto caller = caller_of(client.get());
  auto decision = admit(services_->policy, services_->names, destination,
                        requester_of(services_->callers.at(caller).actor));
  if (const auto* refusal = std::get_if<Refusal>(&decision)) {
    services_->recorder.flow_denied(destination, refusal->name, {"", refusal->reason}, caller);
    return reset_on_close(client.get());
  }
  std::get<Admission>(decision).caller = caller;
  start_flow(std::move(client), std::get<Admission>(std::move(decision)), destination);
}

void Broker::Impl::start_flow(base::UniqueFd client, Admission admission,
                              const Endpoint& destination) {
  const auto flow = std::make_shared<Flow>(executor_, services_, std::move(client),
                                           std::move(admission), destination);
  flows_.insert(flow);
  flow->start([weak = weak_from_this(), flow_key = std::weak_ptr<Flow>(flow)] {
    const auto self = weak.lock();
    if (self) self->flows_.erase(flow_key.lock());
  });
}

void Broker::Impl::sweep_regularly() {
  const Limits& limits = services_->limits;
  const auto shortest =
      std::min({limits.flow_idle, limits.first_bytes, limits.dns_connection_idle});
  sweeper_.expires_after(std::clamp<std::chrono::milliseconds>(
      shortest / 4, std::chrono::milliseconds(1), std::chrono::seconds(30)));
  sweeper_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->sweep();
    self->sweep_regularly();
  });
}

void Broker::Impl::sweep() {
  const auto now = Clock::now();
  const Limits& limits = services_->limits;
  dns_->close_idle(now - limits.dns_connection_idle);
  for (auto item = flows_.begin(); item != flows_.end();) {
    const FlowPointer flow = *item;
    item = flow->end_if_overdue(now) ? flows_.erase(item) : std::next(item);
  }
}

void Broker::Impl::shut_down() {
  sweeper_.cancel();
  for (const RefusalSocket& refusals : std::exchange(refusals_, {})) {
    record_last_refusals(refusals, *services_);
  }
  for (const auto& socket : sockets_) {
    boost::system::error_code ignored;  // sockets of a namespace that is gone
    socket->close(ignored);
  }
  sockets_.clear();
  closed_late_.clear();
  for (const FlowPointer& flow : std::exchange(flows_, {})) flow->end("the sandbox has ended");
  dns_->close_idle(Clock::time_point::max());
  services_->recorder.stop();
}

NetworkTotals Broker::Impl::totals() const {
  NetworkTotals totals = services_->recorder.totals();
  for (const FlowPointer& flow : flows_) {
    totals.bytes_up += flow->bytes_up();
    totals.bytes_down += flow->bytes_down();
  }
  return totals;
}

Broker::Broker(EventLoop& loop, policy::NetworkPolicy policy, std::vector<ListeningSocket> sockets,
               events::EventSink& sink, const events::CallerTable& callers, const Limits& limits,
               policy::ProxyPolicy proxies, const policy::LeakFinder* leaks)
    : impl_(std::make_shared<Impl>(loop, std::move(policy), sink, callers, limits,
                                   std::move(proxies), leaks)) {
  // A peer that closes must be an EPIPE, not the supervisor's end.
  if (::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw base::SysError("ignoring SIGPIPE");
  raise_descriptor_limit(limits);
  for (ListeningSocket& socket : sockets) impl_->serve(std::move(socket));
  impl_->sweep_regularly();
}

Broker::~Broker() { impl_->shut_down(); }
void Broker::shut_down() { impl_->shut_down(); }
NetworkTotals Broker::totals() const { return impl_->totals(); }

}  // namespace sandbox_run::broker
