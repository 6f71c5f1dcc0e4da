#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "broker/event_loop.h"
#include "broker/limits.h"
#include "events/actor.h"
#include "events/caller_table.h"
#include "events/event_sink.h"
#include "policy/leak_finder.h"
#include "policy/policy.h"
#include "policy/proxy.h"

namespace sandbox_run::broker {

/// A socket made inside the sandbox's network namespace (it stays in that namespace) and passed
/// out.
struct ListeningSocket {
  enum class Kind { tcp, dns_udp, dns_tcp, refused_tcp, refused_udp, multicast };
  // Bound to the wildcard; listening (SOMAXCONN) if TCP; non-blocking; V6ONLY. refused_…: a raw
  // socket, multicast: a packet socket, filtered to what parse_refusal() knows.
  base::UniqueFd fd;
  Kind kind = Kind::tcp;
  bool ipv6 = false;
  std::uint16_t port = 0;
};

/// A host that somebody inside was refused.
struct DeniedHost {
  std::string host;     // name or address
  events::Actor actor;  // the first who tried; unknown if that could not be told
  /// What would let it through: a rule for the host; one that says `private` besides, as the name
  /// leads to a private address; nothing (UDP, ssh, which does not say whom it is for).
  enum class Cure { host, private_host, none };
  Cure cure = Cure::host;
  std::uint16_t port = 0;  // 0: it was only looked up
  friend bool operator==(const DeniedHost& a, const DeniedHost& b) {
    return a.host == b.host && a.actor == b.actor;
  }
};

/// A host that was allowed and could not be reached at all.
struct FailedHost {
  std::string host;
  std::string reason;
  friend bool operator==(const FailedHost&, const FailedHost&) = default;
};

struct NetworkTotals {
  std::vector<std::string> hosts_contacted;  // names with at least one flow opened; sorted, unique
  std::vector<DeniedHost> hosts_denied;      // sorted by host, unique, bounded
  std::vector<FailedHost> hosts_failed;      // likewise
  std::uint64_t lookups = 0;                 // every DNS query with a well-formed question
  std::uint64_t lookups_denied = 0;
  std::uint64_t flows = 0;  // opened
  std::uint64_t flows_denied = 0;
  std::uint64_t flows_failed = 0;  // allowed, but the host could not resolve or connect
  std::uint64_t bytes_down = 0;
  std::uint64_t bytes_up = 0;
};

/// The only way out. Names that a rule allows get an address of 198.18.0.0/15; a connection to such
/// an address is carried to the name it stands for; everything else is refused and recorded.
///
/// Must:     decide by policy/egress.h alone; resolve and connect by the rule's own string where it
/// is
///           exact; bound everything a package can make us hold (flows, names, packet sizes,
///           events).
/// Must not: forward a query; throw for anything a peer does.
class Broker {
 public:
  /// `loop`, `sink`, `callers` and `leaks` outlive the broker. `proxies`: what the host itself goes
  /// by. `leaks`, if it is not nullptr, is shown the first bytes of each connection.
  /// Make it after init was cloned, as it changes the process: SIGPIPE is ignored (splice(2) knows
  /// no MSG_NOSIGNAL), and the soft limit of descriptors is raised, as far as the hard one lets it,
  /// to what `limits` needs. Throws SysError.
  Broker(EventLoop& loop, policy::NetworkPolicy policy, std::vector<ListeningSocket> sockets,
         events::EventSink& sink, const events::CallerTable& callers, const Limits& limits = {},
         policy::ProxyPolicy proxies = {}, const policy::LeakFinder* leaks = nullptr);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// Closes the sockets and ends every flow (recording flow.closed); called when the sandbox is
  /// gone. Nothing is recorded afterwards. The destructor does it too.
  void shut_down();
  NetworkTotals totals() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // coroutines that the loop has yet to end hold it too
};

}  // namespace sandbox_run::broker
