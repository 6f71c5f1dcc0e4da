#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "broker/address.h"
#include "broker/broker.h"
#include "broker/limits.h"
#include "broker/refusal_packet.h"
#include "broker/screen.h"
#include "events/event.h"
#include "policy/leak_finder.h"

namespace sandbox_run::broker {

/// Turns what happens into events and totals. A package can look up or dial as fast as it likes:
/// each distinct thing is an event once an actor, at most Limits::distinct_events of a kind and
/// actor, then one "limit.reached"; the rest is only counted. Who is refused so much floods the
/// log: that is an alert.
class Recorder {
 public:
  using Caller = events::CallerTable::Number;

  /// Both outlive it, or stop() was called.
  Recorder(events::EventSink& sink, const events::CallerTable& callers, const Limits& limits)
      : sink_(&sink), callers_(callers), limits_(limits) {}

  /// denied_by_the_way: what resolvers and libraries ask of themselves (search domains, the names
  /// of addresses), so that it says nothing of who is behind it.
  enum class Verdict { allowed, denied, denied_by_the_way };
  void name_looked_up(const std::string& name, const std::string& type, Verdict verdict,
                      Caller caller);

  /// A name that a rule allows, and the host's resolver does not know.
  void name_failed(const std::string& name, const std::string& reason, Caller caller);

  /// `proxy`: HOST:PORT that it goes by, and whose the address is; "" if it is direct.
  void flow_opened(const std::string& host, const Endpoint& upstream, const std::string& proxy,
                   Caller caller);
  struct ClosedFlow {
    std::string host;
    std::uint16_t port = 0;
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
    std::chrono::milliseconds duration{};
    std::string_view reason;
    Caller caller = events::CallerTable::kUnknown;
  };
  void flow_closed(const ClosedFlow& flow);
  /// `name` is "" if none is known for the destination.
  void flow_denied(const Endpoint& destination, const std::string& name, const Objection& objection,
                   Caller caller);
  /// By the kernel, inside. A try at loopback is mostly a program's look whether a server of its
  /// own is up: told, but not counted as denied.
  void try_refused(const RefusedTry& refused, Caller caller);
  /// A decoy's value was about to go to a host. Once for each decoy and actor.
  void decoy_leaked(const policy::Leak& leak, const std::string& host, std::uint16_t port,
                    Caller caller);
  void flow_failed(const std::string& host, std::uint16_t port, const std::string& reason,
                   Caller caller);
  /// The client closed before it sent anything, as package managers do that connect ahead of need.
  void flow_unused(const std::string& host, std::uint16_t port, Caller caller);
  /// Once for each `limit` (words: "flows at once") and actor.
  void limit_reached(const std::string& limit, std::size_t value,
                     Caller caller = events::CallerTable::kUnknown,
                     events::Severity severity = events::Severity::notice);

  void count_bytes(std::uint64_t up, std::uint64_t down) {
    totals_.bytes_up += up;
    totals_.bytes_down += down;
  }

  /// Nothing is recorded after this: the sink may be gone.
  void stop() { sink_ = nullptr; }
  NetworkTotals totals() const;

 private:
  /// By actor, not by process: who starts a process for each try hides nobody else's.
  using Seen = std::map<std::string, std::set<std::string>>;
  enum class Means { little, refused };
  bool is_new(Seen& seen, Caller caller, const std::string& key, const std::string& limit,
              Means means);
  std::string actor_key(Caller caller) const;
  void deny(const std::string& host, Caller caller, std::uint16_t port = 0,
            DeniedHost::Cure cure = DeniedHost::Cure::host);
  void fail(const std::string& host, const std::string& reason);
  void record(std::string_view type, events::Severity severity, base::json::object details,
              Caller caller = events::CallerTable::kUnknown);

  events::EventSink* sink_;
  const events::CallerTable& callers_;
  Limits limits_;
  NetworkTotals totals_;  // without its two lists
  std::set<std::string> contacted_;
  std::map<std::string, DeniedHost> denied_;
  std::map<std::string, std::size_t> denied_by_;  // actor → how many of them
  std::map<std::string, std::string> failed_;     // host → the first reason
  // Each of its own, so that a flood of one kind hides nothing of another.
  Seen seen_lookups_;
  Seen seen_denied_lookups_;
  Seen seen_denials_;
  Seen seen_refusals_;
  Seen seen_loopback_refusals_;
  Seen seen_failures_;
  Seen seen_leaks_;
  std::set<std::string> seen_limits_;
};

}  // namespace sandbox_run::broker
