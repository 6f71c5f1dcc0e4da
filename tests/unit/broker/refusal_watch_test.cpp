// What the kernel refuses inside becomes an event, once; what it carries does not.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <vector>

#include "base/sys_error.h"
#include "broker/broker.h"
#include "broker/refusal_packet.h"
#include "namespace_support.h"
#include "sandbox/refusal_socket.h"
#include "support.h"

namespace sandbox_run::broker {
namespace {

using test::number_of;
using test::Sandbox;
using test::text_of;

Endpoint at(const std::string& address, std::uint16_t port) {
  return {Address::parse(address).value(), port};
}

std::string name_of_error(int number) { return number == 0 ? "0" : ::strerrorname_np(number); }

std::string try_tcp(const Endpoint& endpoint) {
  try {
    const auto socket = test::connect_tcp(endpoint);
    return name_of_error(test::receive_error(socket.get()));
  } catch (const base::SysError& error) {
    return name_of_error(error.error_number());
  }
}

std::string try_udp(const Endpoint& endpoint) {
  const auto socket = test::connect_to(endpoint, SOCK_DGRAM);
  test::send_all(socket.get(), "x");
  return name_of_error(test::receive_error(socket.get()));
}

struct Fixture {
  EventLoop loop;
  test::MemorySink sink;
  events::CallerTable callers;
  std::optional<Broker> broker;

  std::string run(Sandbox& sandbox, policy::NetworkPolicy policy, const Limits& limits = {}) {
    broker.emplace(loop, std::move(policy), sandbox.take_sockets(), sink, callers, limits);
    std::string report = sandbox.run(loop);
    broker->shut_down();  // reads what is still queued
    return report;
  }

  /// "destination port protocol severity" of each flow.denied.
  std::multiset<std::string> denied() const {
    std::multiset<std::string> result;
    for (const events::Event& event : sink.of_type("flow.denied")) {
      result.insert(text_of(event, "destination") + ' ' + std::to_string(number_of(event, "port")) +
                    ' ' + text_of(event, "protocol") + ' ' +
                    std::string(events::name_of(event.severity)));
    }
    return result;
  }
};

}  // namespace

TEST_CASE("a refused connection and a datagram nobody takes are one event each, however often") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({443}, [] {
    std::string report;
    for (int i = 0; i < 3; ++i) {
      report += try_tcp(at("192.0.2.1", 81)) + ' ' + try_tcp(at("2001:db8::1", 81)) + ' ' +
                try_udp(at("192.0.2.1", 9999)) + ' ' + try_udp(at("2001:db8::1", 443)) + ' ';
    }
    return report;
  });
  Fixture fixture;
  const std::string refused = "ECONNREFUSED ECONNREFUSED ECONNREFUSED ECONNREFUSED ";
  CHECK(fixture.run(sandbox, {{test::rule("registry.example.com", {443})}}) ==
        refused + refused + refused);
  CHECK(fixture.denied() ==
        std::multiset<std::string>{"192.0.2.1 81 tcp notice", "2001:db8::1 81 tcp notice",
                                   "192.0.2.1 9999 udp notice", "2001:db8::1 443 udp notice"});
  CHECK(fixture.broker->totals().hosts_denied ==
        std::vector<DeniedHost>{{"192.0.2.1", {}}, {"2001:db8::1", {}}});
  for (const events::Event& event : fixture.sink.of_type("flow.denied")) {
    CHECK(text_of(event, "reason") ==
          (text_of(event, "protocol") == "tcp" ? "no rule names this port" : "only TCP gets out"));
  }
}

TEST_CASE("a try at loopback is told, but is no blocked host") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({443}, [] {
    return try_tcp(at("127.0.0.1", 3000)) + ' ' + try_tcp(at("::1", 3000)) + ' ' +
           try_udp(at("127.1.2.3", 3000));
  });
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("registry.example.com", {443})}}) ==
        "ECONNREFUSED ECONNREFUSED ECONNREFUSED");
  CHECK(fixture.denied() == std::multiset<std::string>{"127.0.0.1 3000 tcp info",
                                                       "::1 3000 tcp info",
                                                       "127.1.2.3 3000 udp info"});
  CHECK(fixture.broker->totals().hosts_denied.empty());
  CHECK(fixture.broker->totals().flows_denied == 0);
}

TEST_CASE("a connection that the broker takes, or resets, is not told a second time") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({8080}, [] {
    const auto allowed = test::connect_tcp(at("203.0.113.5", 8080));
    test::send_all(allowed.get(), "ping");
    return test::receive_exactly(allowed.get(), 4) + ' ' + try_tcp(at("203.0.113.6", 8080));
  });
  const test::Server server(test::echo, at("203.0.113.5", 8080));
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("203.0.113.5", {8080})}}) == "ping ECONNRESET");
  CHECK(fixture.denied() == std::multiset<std::string>{"203.0.113.6 8080 tcp notice"});
}

TEST_CASE("a scan of ports is bounded, and hides neither what follows at loopback nor that") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({443}, [] {
    for (std::uint16_t port = 1000; port < 1020; ++port) try_tcp(at("127.0.0.1", port));
    for (std::uint16_t port = 1000; port < 1020; ++port) try_tcp(at("192.0.2.1", port));
    return "scanned";
  });
  Fixture fixture;
  Limits limits;
  limits.distinct_events = 5;
  CHECK(fixture.run(sandbox, {{test::rule("registry.example.com", {443})}}, limits) == "scanned");
  CHECK(fixture.denied().size() == 10);
  CHECK(fixture.sink.count("limit.reached") == 2);
  CHECK(fixture.broker->totals().flows_denied == 20);
}

TEST_CASE("the kernel queues refusals alone, each once, and the filter stays") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({}, [] {
    using sandbox::Refused;
    std::vector<base::UniqueFd> refusals;
    for (const int family : {AF_INET, AF_INET6}) {
      for (const Refused refused : {Refused::tcp, Refused::udp}) {
        refusals.push_back(sandbox::make_refusal_socket(family, refused));
      }
    }
    const auto queued = [&] {
      std::array<std::uint8_t, 65536> packet;
      std::string counts;
      for (const base::UniqueFd& socket : refusals) {
        int count = 0;
        ssize_t length = 0;
        while ((length = ::recv(socket.get(), packet.data(), packet.size(), MSG_DONTWAIT)) >= 0) {
          if (length > static_cast<ssize_t>(kRefusalBytes)) return std::string("not cut");
          ++count;
        }
        counts += std::to_string(count);
      }
      return counts;
    };
    {
      const auto listening = test::listen_on(at("127.0.0.1", 8080));
      auto client = test::connect_tcp(at("127.0.0.1", 8080));
      test::send_all(client.get(), test::noise(100000, 1));
      test::close_with_reset(std::move(client));
      const auto datagrams = test::bind_datagram(at("127.0.0.1", 9090));
      test::send_all(test::connect_to(at("127.0.0.1", 9090), SOCK_DGRAM).get(), "x");
    }
    std::string report = queued();
    try_tcp(at("192.0.2.1", 81));
    const auto large = test::connect_to(at("2001:db8::1", 9), SOCK_DGRAM);
    test::send_all(large.get(), test::noise(10000, 1));
    (void)test::receive_error(large.get());
    report += ' ' + queued();
    const int none = 0;
    const int detached =
        ::setsockopt(refusals[0].get(), SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
    return report + (detached == 0 ? " detached" : ' ' + name_of_error(errno));
  });
  Fixture fixture;
  CHECK(fixture.run(sandbox, {}) == "0000 1001 EPERM");
}

}  // namespace sandbox_run::broker
