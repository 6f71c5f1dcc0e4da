#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "policy/policy.h"

// Egress decisions. Pure.

namespace sandbox_run::policy {

/// Who wants to connect, as far as it is known.
struct Requester {
  enum class Kind { unknown, package_manager, script, build, project_script };
  Kind kind = Kind::unknown;
  std::string package = {};  // of a lifecycle script
};
/// An unknown one is covered by nothing but Audience::Kind::any. The name of a build is its own
/// claim, so that rules for a package are not for it.
bool covers(const Audience& audience, const Requester& requester);
/// "the package manager alone", "scripts alone", "scripts of electron alone", "anybody".
std::string to_words(const Audience& audience);

/// The rule that lets `name` be looked up (any port, whoever it is for: a look-up alone sends
/// nothing), or nullptr. Address and loopback rules never match a name but "localhost".
const EgressRule* rule_for_name(const NetworkPolicy& policy, std::string_view name);
/// The first rule that lets `requester` reach `name` (a host name or an address literal) on `port`,
/// or nullptr.
const EgressRule* rule_for(const NetworkPolicy& policy, std::string_view name, std::uint16_t port,
                           const Requester& requester);
/// The first rule that names `name` and `port`, whoever it is for: it tells why another is refused.
const EgressRule* rule_for_anybody(const NetworkPolicy& policy, std::string_view name,
                                   std::uint16_t port);

/// All ports that some rule names, sorted, without duplicates: what has to be listened on.
std::vector<std::uint16_t> listened_ports(const NetworkPolicy& policy);

/// Addresses in network byte order: 4 or 16 bytes.
enum class AddressKind {
  global,
  private_network,  // RFC 1918, unique local, CGNAT, benchmarking, documentation
  forbidden         // loopback, link-local (metadata), unspecified, multicast, broadcast, reserved
};
/// v4-mapped, v4-compatible, 6to4 and NAT64 forms are judged by the IPv4 address inside.
AddressKind classify_address(std::span<const std::uint8_t> address);

/// May the broker connect to what a name of `rule` resolved to? Forbidden kinds: never. Private:
/// for registries, for rules that say so, and for rules that are address literals. (A service on
/// loopback is reached only by a loopback rule, which is not resolved.)
bool may_connect(const EgressRule& rule, std::span<const std::uint8_t> address);

}  // namespace sandbox_run::policy
