#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "broker/address.h"

// What the kernel's refusal of a packet, or a packet that it will drop, says of the try. Pure.

namespace sandbox_run::broker {

struct RefusedTry {
  enum class Protocol : std::uint8_t { tcp, udp };
  Protocol protocol = Protocol::tcp;
  Endpoint destination;  // that was tried
};

/// The socket that a packet was read from: see sandbox/refusal_socket.h.
struct RefusalSource {
  /// reset: TCP's answer. unreachable: ICMP's, to a datagram. multicast: the datagram itself.
  enum class Kind : std::uint8_t { reset, unreachable, multicast };
  enum class Family : std::uint8_t { ipv4, ipv6 };
  Kind kind = Kind::reset;
  Family family = Family::ipv4;
};

/// No header that is looked at lies beyond: two IPv4 headers of 60 bytes, and 8 behind each.
inline constexpr std::size_t kRefusalBytes = 136;

/// `packet` as raw(7) gives it: from the IPv4 header on, or from behind the IPv6 header (of
/// multicast: from the IP header on); it may be cut anywhere. `sender` is who answered, not looked
/// at for multicast. A reset that answers a SYN (RFC 9293 3.5.2), "port unreachable" for a datagram
/// (RFC 792, RFC 4443 3.1), or a datagram; nullopt for everything else.
std::optional<RefusedTry> parse_refusal(const RefusalSource& source, const Address& sender,
                                        std::span<const std::uint8_t> packet);

}  // namespace sandbox_run::broker
