#include "broker/refusal_packet.h"

#include <netinet/in.h>

namespace sandbox_run::broker {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Protocol = RefusedTry::Protocol;

constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kIcmpHeader = 8;
constexpr int kUdpLite = 136;  // IPPROTO_UDPLITE, which not every C library has

struct IpPacket {
  Address source;
  Address destination;
  int protocol = 0;
  Bytes payload;  // possibly cut
};

std::uint16_t number_at(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

std::optional<IpPacket> parse_ipv4(Bytes packet) {
  if (packet.size() < 20) return std::nullopt;
  const std::size_t header = (packet[0] & 0x0fU) * 4U;
  if (header < 20 || packet.size() < header) return std::nullopt;
  // A fragment but the first has no header of what it carries.
  if ((number_at(packet, 6) & 0x1fffU) != 0) return std::nullopt;
  return IpPacket{Address(packet.subspan(12, 4)), Address(packet.subspan(16, 4)), packet[9],
                  packet.subspan(header)};
}

/// Extension headers are not passed over: neither the kernel's answers have them, nor what a
/// process without capabilities can send.
std::optional<IpPacket> parse_ipv6(Bytes packet) {
  if (packet.size() < kIpv6Header) return std::nullopt;
  return IpPacket{Address(packet.subspan(8, 16)), Address(packet.subspan(24, 16)), packet[6],
                  packet.subspan(kIpv6Header)};
}

std::optional<IpPacket> parse_ip(Bytes packet) {
  if (packet.empty()) return std::nullopt;
  switch (packet[0] >> 4U) {
    case 4:
      return parse_ipv4(packet);
    case 6:
      return parse_ipv6(packet);
    default:
      return std::nullopt;
  }
}

std::optional<RefusedTry> parse_reset(const IpPacket& answer) {
  const Bytes tcp = answer.payload;
  if (tcp.size() < 14) return std::nullopt;
  constexpr unsigned kFinSynRstAck = 0x17;
  constexpr unsigned kRstAck = 0x14;
  if ((tcp[13] & kFinSynRstAck) != kRstAck) return std::nullopt;
  // A reset of a connection that there was goes on with the connection's numbers.
  if (number_at(tcp, 4) != 0 || number_at(tcp, 6) != 0) return std::nullopt;
  return RefusedTry{Protocol::tcp, {answer.source, number_at(tcp, 0)}};
}

/// The datagram that could not be delivered is quoted, as much of it as there is room for.
std::optional<RefusedTry> parse_quoted(Bytes quoted) {
  const auto packet = parse_ip(quoted);
  if (!packet || packet->payload.size() < 4) return std::nullopt;
  if (packet->protocol != IPPROTO_UDP && packet->protocol != kUdpLite) return std::nullopt;
  return RefusedTry{Protocol::udp, {packet->destination, number_at(packet->payload, 2)}};
}

struct IcmpKinds {
  std::uint16_t port_unreachable;  // type and code
  std::uint16_t echo_request;
};

std::optional<RefusedTry> parse_icmp(const IpPacket& packet, const IcmpKinds& kinds) {
  if (packet.payload.size() < kIcmpHeader) return std::nullopt;
  const std::uint16_t kind = number_at(packet.payload, 0);
  if (kind == kinds.echo_request) return RefusedTry{Protocol::icmp, {packet.destination, 0}};
  if (kind == kinds.port_unreachable) return parse_quoted(packet.payload.subspan(kIcmpHeader));
  return std::nullopt;
}

}  // namespace

std::optional<RefusedTry> parse_refusal(std::span<const std::uint8_t> packet) {
  const auto outer = parse_ip(packet);
  if (!outer) return std::nullopt;
  switch (outer->protocol) {
    case IPPROTO_TCP:
      return parse_reset(*outer);
    case IPPROTO_ICMP:
      return parse_icmp(*outer, {.port_unreachable = 0x0303, .echo_request = 0x0800});
    case IPPROTO_ICMPV6:
      return parse_icmp(*outer, {.port_unreachable = 0x0104, .echo_request = 0x8000});
    default:
      return std::nullopt;
  }
}

}  // namespace sandbox_run::broker
