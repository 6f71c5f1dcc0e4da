#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "broker/address.h"

// What the kernel's refusal of a packet says of the try. Pure.

namespace sandbox_run::broker {

struct RefusedTry {
  enum class Protocol : std::uint8_t { tcp, udp, icmp };
  Protocol protocol = Protocol::tcp;
  Endpoint destination;  // that was tried; icmp: port 0
};

/// No header that is looked at lies beyond: two IPv4 headers of 60 bytes, and 8 behind each.
inline constexpr std::size_t kRefusalBytes = 136;

/// `packet` from its IPv4 or IPv6 header on; it may be cut anywhere. A reset that answers a SYN
/// (RFC 9293 3.5.2), "port unreachable" (RFC 792, RFC 4443 3.1), or an echo request; nullopt for
/// everything else.
std::optional<RefusedTry> parse_refusal(std::span<const std::uint8_t> packet);

}  // namespace sandbox_run::broker
