#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "broker/address.h"

// What the kernel's refusal of a packet says of the try. Pure.

namespace sandbox_run::broker {

struct RefusedTry {
  enum class Protocol : std::uint8_t { tcp, udp };
  Protocol protocol = Protocol::tcp;
  Endpoint destination;  // that was tried
};

/// The raw socket that a refusal was read from.
struct RefusalSource {
  enum class Family : std::uint8_t { ipv4, ipv6 };
  RefusedTry::Protocol protocol = RefusedTry::Protocol::tcp;  // that is refused: by TCP, or ICMP
  Family family = Family::ipv4;
};

/// No header that is looked at lies beyond: two IPv4 headers of 60 bytes, and 8 behind each.
inline constexpr std::size_t kRefusalBytes = 136;

/// `packet` as raw(7) gives it: from the IPv4 header on, or from behind the IPv6 header; it may be
/// cut anywhere. `sender` is who answered. A reset that answers a SYN (RFC 9293 3.5.2), or "port
/// unreachable" for a datagram (RFC 792, RFC 4443 3.1); nullopt for everything else.
std::optional<RefusedTry> parse_refusal(const RefusalSource& source, const Address& sender,
                                        std::span<const std::uint8_t> packet);

}  // namespace sandbox_run::broker
