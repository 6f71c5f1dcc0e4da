// The DNS server over real sockets on loopback.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>

#include "base/sys_error.h"
#include "broker/broker.h"
#include "support.h"

namespace sandbox_run::broker {
namespace {

using Kind = ListeningSocket::Kind;
using test::Bytes;
using test::dns_query;

struct Fixture {
  EventLoop loop;
  test::MemorySink sink;
  std::optional<Broker> broker;
  std::uint16_t port = 0;

  /// Names beneath example.com, which are not looked up before an answer, and one that does not
  /// exist.
  void serve(Kind kind, const Address& address, const Limits& limits = {}) {
    const Endpoint endpoint{address, 0};
    base::UniqueFd socket =
        kind == Kind::dns_udp ? test::bind_datagram(endpoint) : test::listen_on(endpoint);
    port = test::port_of(socket.get());
    std::vector<ListeningSocket> sockets;
    sockets.push_back({std::move(socket), kind, address.is_ipv6(), port});
    broker.emplace(loop,
                   policy::NetworkPolicy{
                       {test::rule("*.example.com", {443}), test::rule("missing.invalid", {443})}},
                   std::move(sockets), sink, test::nobody(), limits);
  }
};

}  // namespace

TEST_CASE("a query by UDP is answered from the address that was asked") {
  Fixture fixture;
  fixture.serve(Kind::dns_udp, Address::ipv4(0, 0, 0, 0));
  test::DnsResult result;
  // A connected socket takes datagrams from that peer alone.
  test::run_beside(fixture.loop, [&] {
    result = test::read_dns_response(test::ask_udp({Address::ipv4(127, 9, 8, 7), fixture.port},
                                                   dns_query("registry.example.com", 1, 77)));
  });
  CHECK(result.id == 77);
  REQUIRE(result.addresses.size() == 1);
  CHECK(result.addresses[0].text() == "198.18.0.1");
}

TEST_CASE("an allowed name that the host does not know is a server failure and an event") {
  for (const Kind kind : {Kind::dns_udp, Kind::dns_tcp}) {
    Fixture fixture;
    fixture.serve(kind, Address::ipv4_loopback());
    const Endpoint server{Address::ipv4_loopback(), fixture.port};
    test::DnsResult result;
    test::run_beside(fixture.loop, [&] {
      const Bytes query = dns_query("missing.invalid", 1);
      result = test::read_dns_response(kind == Kind::dns_udp
                                           ? test::ask_udp(server, query)
                                           : test::ask_tcp(test::connect_tcp(server).get(), query));
    });
    CHECK(result.rcode == 2);
    CHECK(result.addresses.empty());
    const auto events = fixture.sink.of_type("name.lookup");
    REQUIRE(events.size() == 2);
    CHECK(test::text_of(events[1], "verdict") == "failed");
    CHECK(test::text_of(events[1], "reason") != "");
    REQUIRE(fixture.broker->totals().hosts_failed.size() == 1);
    CHECK(fixture.broker->totals().hosts_failed[0].host == "missing.invalid");
  }
}

TEST_CASE("a query by UDP over IPv6 is answered likewise") {
  Fixture fixture;
  try {
    fixture.serve(Kind::dns_udp, Address::parse("::").value());
  } catch (const base::SysError&) {
    MESSAGE("skipped: this host has no IPv6");
    return;
  }
  int rcode = -1;
  test::run_beside(fixture.loop, [&] {
    rcode = test::read_dns_response(test::ask_udp({Address::ipv6_loopback(), fixture.port},
                                                  dns_query("evil.example.net", 28)))
                .rcode;
  });
  CHECK(rcode == 3);
}

TEST_CASE("hostile datagrams do not keep the next query from its answer") {
  Fixture fixture;
  fixture.serve(Kind::dns_udp, Address::ipv4_loopback());
  test::DnsResult result;
  test::run_beside(fixture.loop, [&] {
    const Endpoint server{Address::ipv4_loopback(), fixture.port};
    const base::UniqueFd socket = test::connect_to(server, SOCK_DGRAM);
    Bytes response = dns_query("registry.example.com", 1);
    response[2] |= 0x80U;
    Bytes too_long = dns_query("registry.example.com", 1);
    too_long.resize(kMaxUdpMessage + 1);
    for (const Bytes& bytes : {Bytes{}, Bytes{1, 2, 3}, response, too_long, Bytes(60000, 0xc0)}) {
      base::check_sys(::send(socket.get(), bytes.data(), bytes.size(), 0), "send");
    }
    const Bytes query = dns_query("registry.example.com", 1, 99);
    base::check_sys(::send(socket.get(), query.data(), query.size(), 0), "send");
    Bytes answer(4096);
    answer.resize(static_cast<std::size_t>(
        base::check_sys(::recv(socket.get(), answer.data(), answer.size(), 0), "recv")));
    result = test::read_dns_response(answer);
  });
  CHECK(result.id == 99);
  CHECK(result.addresses.size() == 1);
  CHECK(fixture.sink.count("name.lookup") == 1);
}

TEST_CASE("malformed questions get their error codes on the wire") {
  Fixture fixture;
  fixture.serve(Kind::dns_udp, Address::ipv4_loopback());
  Bytes none = dns_query("a.example.com", 1);
  none[5] = 0;
  Bytes two = dns_query("a.example.com", 1);
  two[5] = 2;
  Bytes notify = dns_query("a.example.com", 1);
  notify[2] = 4U << 3U;
  Bytes loop = dns_query("", 1);
  loop.resize(12);
  loop.insert(loop.end(), {0xc0, 12, 0, 1, 0, 1});
  std::vector<int> rcodes;
  test::run_beside(fixture.loop, [&] {
    for (const Bytes& bytes : {none, two, notify, loop, dns_query("a.example.com", 1, 1, 3)}) {
      const auto result =
          test::read_dns_response(test::ask_udp({Address::ipv4_loopback(), fixture.port}, bytes));
      rcodes.push_back(result.rcode);
    }
  });
  CHECK(rcodes == std::vector<int>{1, 1, 4, 1, 5});
  CHECK(fixture.sink.count("name.lookup") == 0);
}

TEST_CASE("several queries on one TCP connection are answered in turn, also one of 64 KiB") {
  Fixture fixture;
  fixture.serve(Kind::dns_tcp, Address::ipv4_loopback());
  std::vector<test::DnsResult> results;
  test::run_beside(fixture.loop, [&] {
    const auto connection = test::connect_tcp({Address::ipv4_loopback(), fixture.port});
    Bytes longest = dns_query("registry.example.com", 1, 3);
    longest.resize(65535);
    for (const Bytes& query :
         {dns_query("registry.example.com", 1, 1), dns_query("evil.example.net", 16, 2), longest}) {
      results.push_back(test::read_dns_response(test::ask_tcp(connection.get(), query)));
    }
  });
  REQUIRE(results.size() == 3);
  CHECK(results[0].addresses.size() == 1);
  CHECK(results[1].rcode == 3);
  CHECK(results[2].id == 3);
  CHECK(results[2].addresses.size() == 1);
}

TEST_CASE("a TCP connection that sends no query is closed, at once or after a while") {
  Fixture fixture;
  fixture.serve(Kind::dns_tcp, Address::ipv4_loopback(),
                {.dns_connection_idle = std::chrono::milliseconds(40)});
  std::string after_response;
  int silent_error = -1;
  test::run_beside(fixture.loop, [&] {
    const auto connection = test::connect_tcp({Address::ipv4_loopback(), fixture.port});
    test::send_all(connection.get(), std::string("\x00\x01x", 3));  // shorter than a header
    after_response = test::receive_to_end(connection.get());
    const auto silent = test::connect_tcp({Address::ipv4_loopback(), fixture.port});
    test::send_all(silent.get(), std::string("\xff", 1));
    silent_error = test::receive_error(silent.get());
  });
  CHECK(after_response.empty());
  CHECK((silent_error == 0 || silent_error == ECONNRESET));
}

TEST_CASE("more TCP connections than the limit are reset, and one event says so") {
  Fixture fixture;
  fixture.serve(Kind::dns_tcp, Address::ipv4_loopback(), {.dns_connections = 2});
  int error = 0;
  test::run_beside(fixture.loop, [&] {
    const Endpoint server{Address::ipv4_loopback(), fixture.port};
    std::vector<base::UniqueFd> held;
    for (int i = 0; i < 2; ++i) {
      held.push_back(test::connect_tcp(server));
      test::ask_tcp(held.back().get(), dns_query("registry.example.com", 1));
    }
    for (int i = 0; i < 3; ++i) error = test::receive_error(test::connect_tcp(server).get());
  });
  CHECK(error == ECONNRESET);
  CHECK(fixture.sink.count("limit.reached") == 1);
}

}  // namespace sandbox_run::broker
