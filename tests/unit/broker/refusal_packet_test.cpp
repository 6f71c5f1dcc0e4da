#include "broker/refusal_packet.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

#include "support.h"

namespace sandbox_run::broker {
namespace {

using test::Bytes;
using Protocol = RefusedTry::Protocol;

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIcmpv6 = 58;

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes raw(const std::string& address) {
  const Address parsed = Address::parse(address).value();
  return {parsed.bytes().begin(), parsed.bytes().end()};
}

Bytes number(std::uint16_t value) {
  return {static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value & 0xffU)};
}

Bytes ipv4(std::uint8_t protocol, const std::string& from, const std::string& to,
           const Bytes& payload, const Bytes& options = {}) {
  const auto words = static_cast<std::uint8_t>(5 + options.size() / 4);
  return joined({{static_cast<std::uint8_t>(0x40 + words), 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0},
                 raw(from),
                 raw(to),
                 options,
                 payload});
}

Bytes ipv6(std::uint8_t protocol, const std::string& from, const std::string& to,
           const Bytes& payload) {
  return joined({{0x60, 0, 0, 0, 0, 0, protocol, 64}, raw(from), raw(to), payload});
}

Bytes tcp(std::uint16_t from, std::uint8_t flags, std::uint8_t sequence = 0) {
  return joined(
      {number(from), number(40000), {0, 0, 0, sequence, 1, 2, 3, 4, 0x50, flags}, Bytes(6, 0)});
}

Bytes udp(std::uint16_t to) { return joined({number(40000), number(to), number(8), {0, 0}}); }

Bytes icmp(std::uint8_t type, std::uint8_t code, const Bytes& rest) {
  return joined({{type, code, 0, 0, 0, 0, 0, 0}, rest});
}

constexpr std::uint8_t kRstAck = 0x14;

void check(const Bytes& packet, Protocol protocol, const std::string& address, std::uint16_t port) {
  const auto refused = parse_refusal(packet);
  REQUIRE(refused);
  CHECK(refused->protocol == protocol);
  CHECK(refused->destination.address.text() == address);
  CHECK(refused->destination.port == port);
}

const std::string kHere = "127.0.0.1";
const std::string kThere = "192.0.2.1";
const std::string kThere6 = "2001:db8::1";

}  // namespace

TEST_CASE("the reset that answers a SYN tells the address and port that were tried") {
  check(ipv4(kTcp, kThere, kHere, tcp(81, kRstAck)), Protocol::tcp, kThere, 81);
  check(ipv6(kTcp, kThere6, "::1", tcp(22, kRstAck)), Protocol::tcp, kThere6, 22);
  const Bytes options(40, 1);
  check(ipv4(kTcp, kThere, kHere, tcp(81, kRstAck), options), Protocol::tcp, kThere, 81);
}

TEST_CASE("segments of a connection are no refusal, its reset neither") {
  constexpr std::uint8_t kSyn = 0x02;
  constexpr std::uint8_t kAck = 0x10;
  constexpr std::uint8_t kRst = 0x04;
  for (const std::uint8_t flags : {kSyn, kAck, kRst, std::uint8_t{kSyn | kAck}}) {
    CHECK_FALSE(parse_refusal(ipv4(kTcp, kThere, kHere, tcp(81, flags))));
  }
  CHECK_FALSE(parse_refusal(ipv4(kTcp, kThere, kHere, tcp(81, kRstAck, 7))));
}

TEST_CASE("a port unreachable tells the destination of the datagram that it quotes") {
  check(ipv4(kIcmp, kThere, kHere, icmp(3, 3, ipv4(kUdp, kHere, kThere, udp(9999)))), Protocol::udp,
        kThere, 9999);
  check(ipv6(kIcmpv6, kThere6, "::1", icmp(1, 4, ipv6(kUdp, "::1", kThere6, udp(443)))),
        Protocol::udp, kThere6, 443);
  const Bytes options(40, 1);
  check(ipv4(kIcmp, kThere, kHere, icmp(3, 3, ipv4(kUdp, kHere, kThere, udp(9999), options)),
             options),
        Protocol::udp, kThere, 9999);
}

TEST_CASE("an echo request tells whom it was for") {
  check(ipv4(kIcmp, kHere, kThere, icmp(8, 0, {})), Protocol::icmp, kThere, 0);
  check(ipv6(kIcmpv6, "::1", kThere6, icmp(128, 0, {})), Protocol::icmp, kThere6, 0);
}

TEST_CASE("other ICMP is no refusal") {
  const Bytes datagram = ipv4(kUdp, kHere, kThere, udp(9999));
  CHECK_FALSE(parse_refusal(ipv4(kIcmp, kThere, kHere, icmp(0, 0, {}))));          // echo reply
  CHECK_FALSE(parse_refusal(ipv4(kIcmp, kThere, kHere, icmp(11, 0, datagram))));   // time exceeded
  CHECK_FALSE(parse_refusal(ipv4(kIcmp, kThere, kHere, icmp(3, 4, datagram))));    // too big
  CHECK_FALSE(parse_refusal(ipv4(kIcmpv6, kThere, kHere, icmp(3, 3, datagram))));  // wrong type
  const Bytes segment = ipv4(kTcp, kHere, kThere, udp(9999));
  CHECK_FALSE(parse_refusal(ipv4(kIcmp, kThere, kHere, icmp(3, 3, segment))));
}

TEST_CASE("a later fragment has no ports") {
  Bytes datagram = ipv4(kUdp, kHere, kThere, udp(9999));
  datagram[7] = 1;
  CHECK_FALSE(parse_refusal(ipv4(kIcmp, kThere, kHere, icmp(3, 3, datagram))));
}

TEST_CASE("a packet cut anywhere, or with any byte changed, is read within its bounds") {
  const Bytes options(40, 1);
  for (const Bytes& whole :
       {ipv4(kTcp, kThere, kHere, tcp(81, kRstAck), options),
        ipv6(kTcp, kThere6, "::1", tcp(22, kRstAck)),
        ipv4(kIcmp, kThere, kHere, icmp(3, 3, ipv4(kUdp, kHere, kThere, udp(9), options)), options),
        ipv6(kIcmpv6, kThere6, "::1", icmp(1, 4, ipv6(kUdp, "::1", kThere6, udp(9))))}) {
    CHECK(whole.size() <= kRefusalBytes);
    for (std::size_t length = 0; length <= whole.size(); ++length) {
      // A vector of just this size, so that a read beyond it is seen by the address sanitizer.
      Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      (void)parse_refusal(cut);
      for (std::uint8_t& byte : cut) {
        const std::uint8_t before = byte;
        for (const unsigned value : {0x00U, 0x0fU, 0x40U, 0x4fU, 0x60U, 0xffU}) {
          byte = static_cast<std::uint8_t>(value);
          (void)parse_refusal(cut);
        }
        byte = before;
      }
    }
  }
}

}  // namespace sandbox_run::broker
