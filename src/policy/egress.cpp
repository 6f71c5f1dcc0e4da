#include "policy/egress.h"

#include <algorithm>
#include <array>
#include <set>

// Who may be reached. Must: decide on the rule's own pattern; refuse what is not known.
// Must not: resolve names, open anything.
// Address blocks: IANA special-purpose address registries (RFC 6890 and its updates).

namespace sandbox_run::policy {
namespace {

constexpr std::string_view kLocalhost = "localhost";

/// localhost, 127.0.0.1 and ::1 are the names of one and the same host inside.
bool is_localhost(std::string_view name) {
  return name == kLocalhost || name == "127.0.0.1" || name == "::1";
}

bool rule_matches(const EgressRule& rule, std::string_view name) {
  if (rule.host.matches(name)) return true;
  if (!rule.host.is_loopback() || !is_localhost(rule.host.text())) return false;
  return HostPattern::parse(kLocalhost).matches(name) || is_localhost(name);
}

bool names(const EgressRule& rule, std::string_view name, std::uint16_t port) {
  return std::find(rule.ports.begin(), rule.ports.end(), port) != rule.ports.end() &&
         rule_matches(rule, name);
}

struct Block {
  std::array<std::uint8_t, 16> prefix;
  unsigned bits;
  AddressKind kind;
};

constexpr auto kGlobal = AddressKind::global;
constexpr auto kPrivate = AddressKind::private_network;
constexpr auto kForbidden = AddressKind::forbidden;

/// The first block that holds the address decides.
constexpr std::array kV4Blocks = {
    Block{{0}, 8, kForbidden},                    // "this host": connects to loopback on Linux
    Block{{100, 100, 100, 200}, 32, kForbidden},  // a cloud's metadata service
    Block{{168, 63, 129, 16}, 32, kForbidden},    // likewise
    Block{{10}, 8, kPrivate},                     // RFC 1918
    Block{{100, 64}, 10, kPrivate},               // carrier-grade NAT
    Block{{127}, 8, kForbidden},                  // loopback
    Block{{169, 254}, 16, kForbidden},            // link-local, and metadata
    Block{{172, 16}, 12, kPrivate},               // RFC 1918
    Block{{192, 0, 0}, 24, kForbidden},           // protocol assignments
    Block{{192, 0, 2}, 24, kPrivate},             // documentation
    Block{{192, 88, 99}, 24, kForbidden},         // 6to4 relays
    Block{{192, 168}, 16, kPrivate},              // RFC 1918
    Block{{198, 18}, 15, kPrivate},               // benchmarking
    Block{{198, 51, 100}, 24, kPrivate},          // documentation
    Block{{203, 0, 113}, 24, kPrivate},           // documentation
    Block{{224}, 3, kForbidden},                  // multicast, reserved, broadcast
};

constexpr std::array kV6Blocks = {
    Block{{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, kForbidden},
    Block{{0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, kForbidden},
    Block{{0xfc}, 7, kPrivate},                                 // unique local
    Block{{0x20, 0x01, 0x0d, 0xb8}, 32, kPrivate},              // documentation
    Block{{0x3f, 0xff, 0x00}, 20, kPrivate},                    // documentation
    Block{{0x20, 0x01, 0x00, 0x02, 0x00, 0x00}, 48, kPrivate},  // benchmarking
    Block{{0x20, 0x01, 0x00}, 23, kForbidden},  // Teredo (hides an IPv4 address), ORCHID, protocols
    Block{{0x20}, 3, kGlobal},                  // global unicast
    // All else: loopback, unspecified, link-local, multicast, discard, not assigned.
};

bool in_block(std::span<const std::uint8_t> address, const Block& block) {
  for (unsigned bit = 0; bit < block.bits; bit += 8) {
    const unsigned left = std::min(8U, block.bits - bit);
    const auto mask = static_cast<std::uint8_t>(0xFF00U >> left);
    if (((address[bit / 8] ^ block.prefix[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

template <typename Blocks>
AddressKind kind_in(const Blocks& blocks, std::span<const std::uint8_t> address,
                    AddressKind otherwise) {
  for (const Block& block : blocks) {
    if (in_block(address, block)) return block.kind;
  }
  return otherwise;
}

AddressKind classify_v4(std::span<const std::uint8_t> address) {
  return kind_in(kV4Blocks, address, kGlobal);
}

bool starts_with(std::span<const std::uint8_t> address, std::initializer_list<std::uint8_t> bytes) {
  return std::equal(bytes.begin(), bytes.end(), address.begin());
}

AddressKind classify_v6(std::span<const std::uint8_t> address) {
  const auto inner = address.last(4);
  const bool zero_head = starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0});
  const auto middle = address.subspan(8, 4);
  if (zero_head && (starts_with(middle, {0, 0, 0, 0}) ||         // ::a.b.c.d, ::, ::1
                    starts_with(middle, {0, 0, 0xff, 0xff}) ||   // ::ffff:a.b.c.d
                    starts_with(middle, {0xff, 0xff, 0, 0}))) {  // ::ffff:0:a.b.c.d
    return classify_v4(inner);                                   // :: and ::1 fall into 0.0.0.0/8
  }
  if (starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {  // NAT64
    return classify_v4(inner);
  }
  if (starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 1})) {  // NAT64 for local use
    return classify_v4(inner) == kForbidden ? kForbidden : kPrivate;
  }
  if (starts_with(address, {0x20, 0x02})) return classify_v4(address.subspan(2, 4));  // 6to4
  return kind_in(kV6Blocks, address, kForbidden);
}

}  // namespace

bool covers(const Audience& audience, const Requester& requester) {
  using Kind = Requester::Kind;
  switch (audience.kind) {
    case Audience::Kind::any:
      return true;
    case Audience::Kind::package_manager:
      return requester.kind == Kind::package_manager;
    case Audience::Kind::scripts:
      return requester.kind == Kind::script || requester.kind == Kind::build ||
             requester.kind == Kind::project_script;
    case Audience::Kind::package:
      return requester.kind == Kind::script && !audience.package.empty() &&
             requester.package == audience.package;
  }
  return false;
}

std::string to_words(const Audience& audience) {
  switch (audience.kind) {
    case Audience::Kind::any:
      return "anybody";
    case Audience::Kind::package_manager:
      return "the package manager alone";
    case Audience::Kind::scripts:
      return "scripts alone";
    case Audience::Kind::package:
      return "scripts of " + audience.package + " alone";
  }
  return "nobody";
}

const EgressRule* rule_for_name(const NetworkPolicy& policy, std::string_view name) {
  for (const EgressRule& rule : policy.allow) {
    if (rule.host.is_address() && !rule.host.is_loopback()) continue;
    const bool looked_up_as_localhost = HostPattern::parse(kLocalhost).matches(name);
    if (rule.host.is_loopback() && !looked_up_as_localhost) continue;
    if (rule_matches(rule, name)) return &rule;
  }
  return nullptr;
}

const EgressRule* rule_for(const NetworkPolicy& policy, std::string_view name, std::uint16_t port,
                           const Requester& requester) {
  for (const EgressRule& rule : policy.allow) {
    if (covers(rule.audience, requester) && names(rule, name, port)) return &rule;
  }
  return nullptr;
}

const EgressRule* rule_for_anybody(const NetworkPolicy& policy, std::string_view name,
                                   std::uint16_t port) {
  for (const EgressRule& rule : policy.allow) {
    if (names(rule, name, port)) return &rule;
  }
  return nullptr;
}

std::vector<std::uint16_t> listened_ports(const NetworkPolicy& policy) {
  std::set<std::uint16_t> ports;
  for (const EgressRule& rule : policy.allow) ports.insert(rule.ports.begin(), rule.ports.end());
  return {ports.begin(), ports.end()};
}

AddressKind classify_address(std::span<const std::uint8_t> address) {
  if (address.size() == 4) return classify_v4(address);
  if (address.size() == 16) return classify_v6(address);
  return AddressKind::forbidden;
}

bool may_connect(const EgressRule& rule, std::span<const std::uint8_t> address) {
  switch (classify_address(address)) {
    case AddressKind::global:
      return true;
    case AddressKind::private_network:
      return rule.origin == EgressRule::Origin::registry ||
             rule.addresses == EgressRule::Addresses::private_too || rule.host.is_address();
    case AddressKind::forbidden:
      return false;
  }
  return false;
}

}  // namespace sandbox_run::policy
