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

/// By actor, not by process: who starts a process for each try hides nobody else's.
std::string Recorder::key_of(Caller caller, std::string_view rest) const {
  return base::format("{} {}", events::to_words(callers_.at(caller).actor), rest);
}

bool Recorder::is_new(std::set<std::string>& seen, const std::string& key,
                      const std::string& limit) {
  if (seen.contains(key)) return false;
  if (seen.size() >= limits_.distinct_events) {
    limit_reached(limit, limits_.distinct_events);
    return false;
  }
  seen.insert(key);
  return true;
}

void Recorder::deny(const std::string& host, Caller caller, std::uint16_t port,
                    DeniedHost::Cure cure) {
  if (denied_.size() >= limits_.distinct_events) return;
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
  if (!is_new(seen_lookups_, key_of(caller, name + ' ' + type), "different names looked up")) {
    return;
  }
  record("name.lookup", verdict == Verdict::denied ? Severity::notice : Severity::info,
         {{"name", name}, {"qtype", type}, {"verdict", allowed ? "allowed" : "denied"}}, caller);
}

void Recorder::name_failed(const std::string& name, const std::string& reason, Caller caller) {
  fail(name, reason);
  if (!is_new(seen_failures_, key_of(caller, name + ' ' + reason), "different failures")) return;
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
  const std::string key = key_of(
      caller, base::format("{} {} {} {}", address, destination.port, claimed, objection.reason));
  if (!is_new(seen_denials_, key, "different destinations denied")) return;
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
  if (!is_new(loopback ? seen_loopback_refusals_ : seen_refusals_,
              key_of(caller, base::format("{} {} {}", destination, port, protocol)),
              loopback ? "different loopback tries refused" : "different tries refused")) {
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
  const std::string key = key_of(caller, leak.source);
  if (!is_new(seen_leaks_, key, "different decoys given away")) return;
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
  const std::string key = key_of(caller, base::format("{} {} {}", host, port, reason));
  if (!is_new(seen_failures_, key, "different failures")) return;
  record("flow.failed", Severity::notice, {{"host", host}, {"port", port}, {"reason", reason}},
         caller);
}

void Recorder::flow_unused(const std::string& host, std::uint16_t port, Caller caller) {
  const std::string key = key_of(caller, base::format("{} {} unused", host, port));
  if (!is_new(seen_failures_, key, "different failures")) return;
  record("flow.unused", Severity::info, {{"host", host}, {"port", port}}, caller);
}

void Recorder::limit_reached(const std::string& limit, std::size_t value) {
  if (!seen_limits_.insert(limit).second) return;
  record("limit.reached", Severity::notice, {{"limit", limit}, {"value", value}});
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
