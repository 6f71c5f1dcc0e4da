#include "broker/refusal_packet.h"

#include <netinet/in.h>

namespace sandbox_run::broker {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Family = RefusalSource::Family;
using Protocol = RefusedTry::Protocol;

constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kIcmpHeader = 8;
constexpr int kUdpLite = 136;  // IPPROTO_UDPLITE, which not every C library has

struct IpPacket {
  Address destination;
  int protocol = 0;
  Bytes payload;  // possibly cut
};

std::uint16_t number_at(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

std::optional<IpPacket> parse_ipv4(Bytes packet) {
  if (packet.size() < 20 || packet[0] >> 4U != 4) return std::nullopt;
  const std::size_t header = std::size_t{4} * (packet[0] & 0x0fU);
  if (header < 20 || packet.size() < header) return std::nullopt;
  // A fragment but the first has no header of what it carries.
  if ((number_at(packet, 6) & 0x1fffU) != 0) return std::nullopt;
  return IpPacket{Address(packet.subspan(16, 4)), packet[9], packet.subspan(header)};
}

/// Extension headers are not passed over: no process without capabilities can send them.
std::optional<IpPacket> parse_ipv6(Bytes packet) {
  if (packet.size() < kIpv6Header || packet[0] >> 4U != 6) return std::nullopt;
  return IpPacket{Address(packet.subspan(24, 16)), packet[6], packet.subspan(kIpv6Header)};
}

std::optional<RefusedTry> parse_reset(const Address& sender, Bytes tcp) {
  if (tcp.size() < 14) return std::nullopt;
  constexpr unsigned kFinSynRstAck = 0x17;
  constexpr unsigned kRstAck = 0x14;
  if ((tcp[13] & kFinSynRstAck) != kRstAck) return std::nullopt;
  // A reset of a connection that there was goes on with the connection's numbers.
  if (number_at(tcp, 4) != 0 || number_at(tcp, 6) != 0) return std::nullopt;
  return RefusedTry{Protocol::tcp, {sender, number_at(tcp, 0)}};
}

std::optional<RefusedTry> parse_datagram(Family family, Bytes packet) {
  const auto datagram = family == Family::ipv4 ? parse_ipv4(packet) : parse_ipv6(packet);
  if (!datagram || datagram->payload.size() < 4) return std::nullopt;
  if (datagram->protocol != IPPROTO_UDP && datagram->protocol != kUdpLite) return std::nullopt;
  return RefusedTry{Protocol::udp, {datagram->destination, number_at(datagram->payload, 2)}};
}

/// The datagram that could not be delivered is quoted, as much of it as there is room for.
std::optional<RefusedTry> parse_unreachable(Family family, Bytes icmp) {
  if (icmp.size() < kIcmpHeader) return std::nullopt;
  const std::uint16_t type_and_code = family == Family::ipv4 ? 0x0303 : 0x0104;
  if (number_at(icmp, 0) != type_and_code) return std::nullopt;
  return parse_datagram(family, icmp.subspan(kIcmpHeader));
}

}  // namespace

std::optional<RefusedTry> parse_refusal(const RefusalSource& source, const Address& sender,
                                        std::span<const std::uint8_t> packet) {
  if (source.kind == RefusalSource::Kind::multicast) {
    return parse_datagram(source.family, packet);
  }
  if (source.family == Family::ipv4) {
    const auto outer = parse_ipv4(packet);
    if (!outer) return std::nullopt;
    packet = outer->payload;
  }
  return source.kind == RefusalSource::Kind::reset ? parse_reset(sender, packet)
                                                   : parse_unreachable(source.family, packet);
}

}  // namespace sandbox_run::broker
