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

const std::string kHere = "127.0.0.1";
const std::string kThere = "192.0.2.1";
const std::string kThere6 = "2001:db8::1";

using Kind = RefusalSource::Kind;
constexpr RefusalSource kMulticast4{Kind::multicast, RefusalSource::Family::ipv4};
constexpr RefusalSource kMulticast6{Kind::multicast, RefusalSource::Family::ipv6};
constexpr RefusalSource kTcp4{Kind::reset, RefusalSource::Family::ipv4};
constexpr RefusalSource kTcp6{Kind::reset, RefusalSource::Family::ipv6};
constexpr RefusalSource kUdp4{Kind::unreachable, RefusalSource::Family::ipv4};
constexpr RefusalSource kUdp6{Kind::unreachable, RefusalSource::Family::ipv6};

std::optional<RefusedTry> parse(const RefusalSource& source, const Bytes& packet) {
  const bool four = source.family == RefusalSource::Family::ipv4;
  return parse_refusal(source, Address::parse(four ? kThere : kThere6).value(), packet);
}

void check(const RefusalSource& source, const Bytes& packet, const std::string& address,
           std::uint16_t port) {
  const auto refused = parse(source, packet);
  REQUIRE(refused);
  CHECK((refused->protocol == Protocol::tcp) == (source.kind == Kind::reset));
  CHECK(refused->destination.address.text() == address);
  CHECK(refused->destination.port == port);
}

}  // namespace

TEST_CASE("the reset that answers a SYN tells the address and port that were tried") {
  check(kTcp4, ipv4(kTcp, kThere, kHere, tcp(81, kRstAck)), kThere, 81);
  check(kTcp6, tcp(22, kRstAck), kThere6, 22);
  const Bytes options(40, 1);
  check(kTcp4, ipv4(kTcp, kThere, kHere, tcp(81, kRstAck), options), kThere, 81);
}

TEST_CASE("segments of a connection are no refusal, its reset neither") {
  constexpr std::uint8_t kSyn = 0x02;
  constexpr std::uint8_t kAck = 0x10;
  constexpr std::uint8_t kRst = 0x04;
  for (const std::uint8_t flags : {kSyn, kAck, kRst, std::uint8_t{kSyn | kAck}}) {
    CHECK_FALSE(parse(kTcp4, ipv4(kTcp, kThere, kHere, tcp(81, flags))));
    CHECK_FALSE(parse(kTcp6, tcp(81, flags)));
  }
  CHECK_FALSE(parse(kTcp4, ipv4(kTcp, kThere, kHere, tcp(81, kRstAck, 7))));
}

TEST_CASE("a port unreachable tells the destination of the datagram that it quotes") {
  check(kUdp4, ipv4(kIcmp, kThere, kHere, icmp(3, 3, ipv4(kUdp, kHere, kThere, udp(9999)))), kThere,
        9999);
  check(kUdp6, icmp(1, 4, ipv6(kUdp, "::1", kThere6, udp(443))), kThere6, 443);
  const Bytes options(40, 1);
  check(kUdp4,
        ipv4(kIcmp, kThere, kHere, icmp(3, 3, ipv4(kUdp, kHere, kThere, udp(9999), options)),
             options),
        kThere, 9999);
}

TEST_CASE("a datagram to many tells its own destination and where it came from") {
  check(kMulticast4, ipv4(kUdp, kHere, "224.0.0.251", udp(5353)), "224.0.0.251", 5353);
  check(kMulticast4, ipv4(kUdp, kHere, "255.255.255.255", udp(9)), "255.255.255.255", 9);
  check(kMulticast6, ipv6(kUdp, "::1", "ff02::fb", udp(5353)), "ff02::fb", 5353);
  CHECK_FALSE(parse(kMulticast4, ipv4(kTcp, kHere, "224.0.0.251", tcp(81, kRstAck))));
  CHECK_FALSE(parse(kMulticast4, ipv6(kUdp, "::1", "ff02::fb", udp(5353))));
}

TEST_CASE("other ICMP is no refusal") {
  const Bytes datagram = ipv4(kUdp, kHere, kThere, udp(9999));
  const auto four = [&](std::uint8_t type, std::uint8_t code, const Bytes& quoted) {
    return parse(kUdp4, ipv4(kIcmp, kThere, kHere, icmp(type, code, quoted)));
  };
  CHECK(four(3, 3, datagram));
  CHECK_FALSE(four(0, 0, {}));         // echo reply
  CHECK_FALSE(four(11, 0, datagram));  // time exceeded
  CHECK_FALSE(four(3, 4, datagram));   // too big
  CHECK_FALSE(four(3, 3, ipv4(kTcp, kHere, kThere, udp(9999))));
  CHECK_FALSE(four(3, 3, ipv6(kUdp, "::1", kThere6, udp(9999))));
  CHECK_FALSE(parse(kUdp6, icmp(1, 4, datagram)));
  CHECK_FALSE(parse(kUdp6, icmp(3, 3, ipv6(kUdp, "::1", kThere6, udp(443)))));
}

TEST_CASE("a later fragment has no ports") {
  Bytes datagram = ipv4(kUdp, kHere, kThere, udp(9999));
  datagram[7] = 1;
  CHECK_FALSE(parse(kUdp4, ipv4(kIcmp, kThere, kHere, icmp(3, 3, datagram))));
}

TEST_CASE("a packet cut anywhere, or with any byte changed, is read within its bounds") {
  const Bytes options(40, 1);
  for (const Bytes& whole :
       {ipv4(kTcp, kThere, kHere, tcp(81, kRstAck), options), tcp(22, kRstAck),
        ipv4(kIcmp, kThere, kHere, icmp(3, 3, ipv4(kUdp, kHere, kThere, udp(9), options)), options),
        icmp(1, 4, ipv6(kUdp, "::1", kThere6, udp(9)))}) {
    CHECK(whole.size() <= kRefusalBytes);
    const auto parse_as_all = [](const Bytes& packet) {
      for (const RefusalSource& source : {kTcp4, kTcp6, kUdp4, kUdp6, kMulticast4, kMulticast6})
        (void)parse(source, packet);
    };
    for (std::size_t length = 0; length <= whole.size(); ++length) {
      // A vector of just this size, so that a read beyond it is seen by the address sanitizer.
      Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      parse_as_all(cut);
      for (std::uint8_t& byte : cut) {
        const std::uint8_t before = byte;
        for (const unsigned value : {0x00U, 0x0fU, 0x40U, 0x4fU, 0x60U, 0xffU}) {
          byte = static_cast<std::uint8_t>(value);
          parse_as_all(cut);
        }
        byte = before;
      }
    }
  }
}

}  // namespace sandbox_run::broker
