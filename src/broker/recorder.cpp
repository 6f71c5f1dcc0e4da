#include "broker/recorder.h"

#include <utility>

#include "base/format.h"
#include "base/path.h"

namespace sandbox_run::broker {

using events::Severity;

namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kMaxClaimed = 300;  // of a host's text that a package made up

std::string_view reason_of(const RefusedTry& refused) {
  if (refused.destination.address.is_loopback())
    return "nobody in the sandbox listens on this port";
  if (refused.destination.port == kDnsPort) return "names are not served: no rule allows a host";
  return refused.protocol == RefusedTry::Protocol::tcp ? "no rule names this port"
                                                       : "only TCP gets out";
}

}  // namespace

void Recorder::record(std::string_view type, Severity severity, base::json::object details,
                      Caller caller) {
  if (sink_ == nullptr) return;
  events::Event event{
      .type = std::string(type), .severity = severity, .details = std::move(details)};
  if (caller != events::CallerTable::kUnknown) {
    event.actor = callers_.at(caller).actor;
    event.process = callers_.at(caller).process;
  }
  sink_->record(event);
}

std::string Recorder::actor_key(Caller caller) const {
  return events::to_words(callers_.at(caller).actor);
}

bool Recorder::is_new(Seen& seen, Caller caller, const std::string& key, const std::string& limit,
                      Means means) {
  std::string actor = actor_key(caller);
  if (seen.size() >= limits_.distinct_actors && !seen.contains(actor)) actor = "others";
  std::set<std::string>& keys = seen[actor];
  if (keys.contains(key)) return false;
  if (keys.size() >= limits_.distinct_events) {
    const auto kind = callers_.at(caller).actor.kind;
    const bool is_flood = means == Means::refused && (kind == events::Actor::Kind::script ||
                                                      kind == events::Actor::Kind::build);
    limit_reached(limit, limits_.distinct_events, caller,
                  is_flood ? Severity::alert : Severity::notice);
    return false;
  }
  keys.insert(key);
  return true;
}

void Recorder::deny(const std::string& host, Caller caller, std::uint16_t port,
                    DeniedHost::Cure cure) {
  std::size_t& by_actor = denied_by_[actor_key(caller)];
  const bool is_known = denied_.contains(host);
  if (!is_known &&
      (by_actor >= limits_.distinct_events || denied_by_.size() > limits_.distinct_actors)) {
    return;
  }
  if (!is_known) ++by_actor;
  const events::Caller& who = callers_.at(caller);
  // Of git by ssh no rule about names tells where it leads.
  if (who.process && base::file_name(who.process->exe) == "ssh") cure = DeniedHost::Cure::none;
  const auto [at, is_new] = denied_.emplace(host, DeniedHost{host, who.actor, cure, port});
  if (is_new) return;
  DeniedHost& known = at->second;
  if (known.actor.kind == events::Actor::Kind::unknown) known.actor = who.actor;
  // It says more than a lookup.
  if (cure != DeniedHost::Cure::host || known.port == 0) {
    known.cure = cure;
    known.port = port;
  }
}

void Recorder::fail(const std::string& host, const std::string& reason) {
  if (failed_.size() < limits_.distinct_events) failed_.emplace(host, reason);
}

void Recorder::name_looked_up(const std::string& name, const std::string& type, Verdict verdict,
                              Caller caller) {
  const bool allowed = verdict == Verdict::allowed;
  ++totals_.lookups;
  if (!allowed) ++totals_.lookups_denied;
  if (verdict == Verdict::denied) deny(name, caller);
  const bool is_refused = verdict == Verdict::denied;
  if (!is_new(is_refused ? seen_denied_lookups_ : seen_lookups_, caller, name + ' ' + type,
              is_refused ? "different names refused" : "different names looked up",
              is_refused ? Means::refused : Means::little)) {
    return;
  }
  record("name.lookup", verdict == Verdict::denied ? Severity::notice : Severity::info,
         {{"name", name}, {"qtype", type}, {"verdict", allowed ? "allowed" : "denied"}}, caller);
}

void Recorder::name_failed(const std::string& name, const std::string& reason, Caller caller) {
  fail(name, reason);
  if (!is_new(seen_failures_, caller, name + ' ' + reason, "different failures", Means::little)) {
    return;
  }
  record("name.lookup", Severity::notice,
         {{"name", name}, {"qtype", "A"}, {"verdict", "failed"}, {"reason", reason}}, caller);
}

void Recorder::flow_opened(const std::string& host, const Endpoint& upstream,
                           const std::string& proxy, Caller caller) {
  ++totals_.flows;
  contacted_.insert(host);
  base::json::object details{
      {"host", host}, {"port", upstream.port}, {"address", upstream.address.text()}};
  if (!proxy.empty()) details["proxy"] = proxy;
  record("flow.opened", Severity::info, std::move(details), caller);
}

void Recorder::flow_closed(const ClosedFlow& flow) {
  record("flow.closed", Severity::info,
         {{"host", flow.host},
          {"port", flow.port},
          {"bytes_up", flow.bytes_up},
          {"bytes_down", flow.bytes_down},
          {"duration_ms", flow.duration.count()},
          {"reason", flow.reason}},
         flow.caller);
}

void Recorder::flow_denied(const Endpoint& destination, const std::string& name,
                           const Objection& objection, Caller caller) {
  ++totals_.flows_denied;
  const std::string address = destination.address.text();
  const std::string claimed = objection.claimed.substr(0, kMaxClaimed);
  // Who was to be reached: not the host that was looked up as a pretext.
  const std::string& looked_up = name.empty() ? address : name;
  const std::string& host = claimed.empty() ? looked_up : claimed;
  // Of what is wrong by its content no rule about hosts would tell.
  if (objection.about == Objection::About::host) {
    deny(host, caller, destination.port,
         objection.is_private ? DeniedHost::Cure::private_host : DeniedHost::Cure::host);
  }
  const std::string key =
      base::format("{} {} {} {}", address, destination.port, claimed, objection.reason);
  if (!is_new(seen_denials_, caller, key, "different destinations denied", Means::refused)) return;
  base::json::object details{
      {"destination", address}, {"port", destination.port}, {"protocol", "tcp"}};
  if (!name.empty()) details["name"] = name;
  if (!claimed.empty()) details["claimed"] = claimed;
  details["reason"] = objection.reason;
  record("flow.denied", Severity::notice, std::move(details), caller);
}

void Recorder::try_refused(const RefusedTry& refused, Caller caller) {
  const auto& [address, port] = refused.destination;
  const bool loopback = address.is_loopback();
  const std::string_view protocol = refused.protocol == RefusedTry::Protocol::tcp ? "tcp" : "udp";
  const std::string destination = address.text();
  if (!loopback) {
    ++totals_.flows_denied;
    // A name server's address is no host that somebody wanted: any lookup of a run without network
    // ends there.
    if (port != kDnsPort) {
      const bool tcp = refused.protocol == RefusedTry::Protocol::tcp;
      deny(destination, caller, port, tcp ? DeniedHost::Cure::host : DeniedHost::Cure::none);
    }
  }
  if (!is_new(loopback ? seen_loopback_refusals_ : seen_refusals_, caller,
              base::format("{} {} {}", destination, port, protocol),
              loopback ? "different loopback tries refused" : "different tries refused",
              loopback ? Means::little : Means::refused)) {
    return;
  }
  record("flow.denied", loopback ? Severity::info : Severity::notice,
         {{"destination", destination},
          {"port", port},
          {"protocol", protocol},
          {"reason", reason_of(refused)}},
         caller);
}

void Recorder::decoy_leaked(const policy::Leak& leak, const std::string& host, std::uint16_t port,
                            Caller caller) {
  if (!is_new(seen_leaks_, caller, leak.source, "different decoys given away", Means::refused)) {
    return;
  }
  record("decoy.leaked", Severity::alert,
         {{"decoy", leak.source},
          {"channel", "a connection's first bytes"},
          {"encoding", leak.encoding},
          {"found_in", "flow.denied"},
          {"reason", "exfiltration attempt: a decoy's value in a connection's first bytes"},
          {"host", host},
          {"port", port}},
         caller);
}

void Recorder::flow_failed(const std::string& host, std::uint16_t port, const std::string& reason,
                           Caller caller) {
  ++totals_.flows_failed;
  fail(host, reason);
  const std::string key = base::format("{} {} {}", host, port, reason);
  if (!is_new(seen_failures_, caller, key, "different failures", Means::little)) return;
  record("flow.failed", Severity::notice, {{"host", host}, {"port", port}, {"reason", reason}},
         caller);
}

void Recorder::flow_unused(const std::string& host, std::uint16_t port, Caller caller) {
  const std::string key = base::format("{} {} unused", host, port);
  if (!is_new(seen_failures_, caller, key, "different failures", Means::little)) return;
  record("flow.unused", Severity::info, {{"host", host}, {"port", port}}, caller);
}

void Recorder::limit_reached(const std::string& limit, std::size_t value, Caller caller,
                             Severity severity) {
  if (seen_limits_.size() > limits_.distinct_actors) return;
  if (!seen_limits_.insert(limit + '\0' + actor_key(caller)).second) return;
  record("limit.reached", severity, {{"limit", limit}, {"value", value}}, caller);
}

NetworkTotals Recorder::totals() const {
  NetworkTotals totals = totals_;
  totals.hosts_contacted.assign(contacted_.begin(), contacted_.end());
  for (const auto& [host, denied] : denied_) totals.hosts_denied.push_back(denied);
  for (const auto& [host, reason] : failed_) {
    if (contacted_.count(host) == 0) totals.hosts_failed.push_back({host, reason});
  }
  return totals;
}

}  // namespace sandbox_run::broker
