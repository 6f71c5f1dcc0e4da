// The broker as it is used: its sockets are of another network namespace, in which every address is
// local. The process itself is in a namespace that plays the host and the Internet.
#include <doctest/doctest.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "base/sys_error.h"
#include "base/text.h"
#include "broker/broker.h"
#include "namespace_support.h"
#include "support.h"

namespace sandbox_run::broker {
namespace {

using policy::EgressRule;
using test::connect_tcp;
using test::dns_query;
using test::Sandbox;
using test::Server;
using test::text_of;

Endpoint at(const std::string& address, std::uint16_t port) {
  return {Address::parse(address).value(), port};
}

/// What a client meets at `endpoint`: the answer to "ping", or the errno's name.
std::string knock(const Endpoint& endpoint) {
  try {
    const auto socket = connect_tcp(endpoint);
    test::send_all(socket.get(), "ping");
    return test::receive_exactly(socket.get(), 4);
  } catch (const base::SysError& error) {
    const int number = error.error_number();
    return ::strerrorname_np(number == EPIPE ? ECONNRESET : number);
  }
}

/// One after the other.
std::string knock_all(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> answers;
  for (const Endpoint& endpoint : endpoints) answers.push_back(knock(endpoint));
  return base::join(answers, " ");
}

Address look_up(const std::string& name, const std::string& server = "192.0.2.53") {
  const auto result = test::read_dns_response(test::ask_udp(at(server, 53), dns_query(name, 1)));
  if (result.addresses.size() != 1) {
    throw std::runtime_error("rcode " + std::to_string(result.rcode) + " for " + name);
  }
  return result.addresses[0];
}

struct Fixture {
  EventLoop loop;
  test::MemorySink sink;
  events::CallerTable callers;
  std::optional<Broker> broker;

  std::string run(Sandbox& sandbox, policy::NetworkPolicy policy, const Limits& limits = {}) {
    broker.emplace(loop, std::move(policy), sandbox.take_sockets(), sink, callers, limits);
    return sandbox.run(loop);
  }
};

}  // namespace

TEST_CASE("inside, any server address answers DNS, by UDP and TCP, IPv4 and IPv6") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({443}, [] {
    std::string report;
    for (const char* server : {"192.0.2.53", "127.0.0.53", "10.0.0.2", "2001:db8::53", "::1"}) {
      report += look_up("registry.example.com", server).text() + ' ';
      const auto connection = connect_tcp(at(server, 53));
      const auto tcp = test::read_dns_response(
          test::ask_tcp(connection.get(), dns_query("evil.example.net", 16)));
      report += std::to_string(tcp.rcode) + ' ';
    }
    return report;
  });
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("*.example.com", {443})}}) ==
        "198.18.0.1 3 198.18.0.1 3 198.18.0.1 3 198.18.0.1 3 198.18.0.1 3 ");
  CHECK(fixture.sink.count("name.lookup") == 2);
}

TEST_CASE("inside, the C library's resolver works with the host's resolv.conf") {
  if (!test::enter_outer_namespace()) return;
  if (!test::NameServer::is_used()) {
    MESSAGE("skipped: getaddrinfo(3) does not ask the name servers of resolv.conf here");
    return;
  }
  Sandbox sandbox({443}, []() -> std::string {
    addrinfo* list = nullptr;
    const int allowed = ::getaddrinfo("registry.example.com", "443", nullptr, &list);
    if (allowed != 0) return ::gai_strerror(allowed);
    sockaddr_storage storage{};
    std::memcpy(&storage, list->ai_addr, list->ai_addrlen);
    const std::string address = from_sockaddr(storage).value().address.text();
    ::freeaddrinfo(list);
    const int denied = ::getaddrinfo("evil.example.net", "443", nullptr, &list);
    return address + (denied == EAI_NONAME ? " none" : " found");
  });
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("*.example.com", {443})}}) == "198.18.0.1 none");
}

TEST_CASE("a name is carried to the host it stands for") {
  if (!test::enter_outer_namespace()) return;
  if (!test::NameServer::is_used()) {
    MESSAGE("skipped: getaddrinfo(3) does not ask the name servers of resolv.conf here");
    return;
  }
  Sandbox sandbox({443, 8443}, [] {
    const Address registry = look_up("Registry.example.COM");
    return knock_all({{registry, 443}, {registry, 8443}, {look_up("eu.cdn.example.com"), 443}});
  });
  const test::NameServer names(test::NameServer::Names{{"registry.example.com", {"203.0.113.5"}},
                                                       {"eu.cdn.example.com", {"93.184.216.34"}}});
  const Server registry(test::echo, at("203.0.113.5", 443));
  const Server cdn([](auto socket) { test::send_all(socket.get(), "cdn!"); },
                   at("93.184.216.34", 443));
  Fixture fixture;
  CHECK(fixture.run(sandbox,
                    {{test::rule("registry.example.com", {443}, EgressRule::Origin::registry),
                      test::rule("*.cdn.example.com", {443}),
                      test::rule("other.example.com", {8443})}}) == "ping ECONNRESET cdn!");
  const auto opened = fixture.sink.of_type("flow.opened");
  REQUIRE(opened.size() == 2);
  CHECK(text_of(opened[0], "host") == "registry.example.com");
  CHECK(text_of(opened[0], "address") == "203.0.113.5");
  const auto denied = fixture.sink.of_type("flow.denied");
  REQUIRE(denied.size() == 1);
  CHECK(text_of(denied[0], "name") == "registry.example.com");
  CHECK(text_of(denied[0], "reason") == "no rule allows port 8443 of it");
  CHECK(fixture.broker->totals().hosts_contacted ==
        std::vector<std::string>{"eu.cdn.example.com", "registry.example.com"});
}

TEST_CASE("a name that resolves to the host's own, link or private addresses is refused") {
  if (!test::enter_outer_namespace()) return;
  if (!test::NameServer::is_used()) {
    MESSAGE("skipped: getaddrinfo(3) does not ask the name servers of resolv.conf here");
    return;
  }
  Sandbox sandbox({443}, [] { return knock({look_up("rebind.example.com"), 443}); });
  const test::NameServer names(test::NameServer::Names{
      {"rebind.example.com", {"127.0.0.1", "169.254.169.254", "10.1.2.3", "::1"}}});
  const Server reachable(test::echo, at("0.0.0.0", 443));
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("rebind.example.com", {443})}}) == "ECONNRESET");
  const auto denied = fixture.sink.of_type("flow.denied");
  CHECK(denied.size() == 4);
  CHECK(std::all_of(denied.begin(), denied.end(), [](const events::Event& event) {
    return text_of(event, "name") == "rebind.example.com";
  }));
  CHECK(fixture.sink.count("flow.opened") == 0);
}

TEST_CASE("if one address of a name refuses, the next is tried") {
  if (!test::enter_outer_namespace()) return;
  if (!test::NameServer::is_used()) {
    MESSAGE("skipped: getaddrinfo(3) does not ask the name servers of resolv.conf here");
    return;
  }
  Sandbox sandbox({443}, [] { return knock({look_up("registry.example.com"), 443}); });
  const test::NameServer names(test::NameServer::Names{
      {"registry.example.com", {"203.0.113.5", "203.0.113.6", "203.0.113.7"}}});
  const Server last(test::echo, at("203.0.113.7", 443));
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("registry.example.com", {443},
                                          EgressRule::Origin::registry)}}) == "ping");
  CHECK(fixture.sink.count("flow.failed") == 0);
}

TEST_CASE("an address that does not answer is not waited for") {
  if (!test::enter_outer_namespace()) return;
  if (!test::NameServer::is_used()) {
    MESSAGE("skipped: getaddrinfo(3) does not ask the name servers of resolv.conf here");
    return;
  }
  Sandbox sandbox({443}, [] { return knock({look_up("registry.example.com"), 443}); });
  const test::NameServer names(
      test::NameServer::Names{{"registry.example.com", {"203.0.113.5", "203.0.113.6"}}});
  // Its queue is full: what comes is dropped.
  const auto silent = test::listen_on(at("203.0.113.5", 443), 0);
  const auto waiting = connect_tcp(at("203.0.113.5", 443));
  const Server second(test::echo, at("203.0.113.6", 443));
  Fixture fixture;
  CHECK(fixture.run(sandbox,
                    {{test::rule("registry.example.com", {443}, EgressRule::Origin::registry)}},
                    {.connect_head_start = std::chrono::milliseconds(10),
                     .connect_timeout = std::chrono::hours(1)}) == "ping");
  CHECK(text_of(fixture.sink.of_type("flow.opened").at(0), "address") == "203.0.113.6");
}

TEST_CASE("if no address answers, the flow fails in the end") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({8080}, [] { return knock(at("203.0.113.5", 8080)); });
  const auto silent = test::listen_on(at("203.0.113.5", 8080), 0);
  const auto waiting = connect_tcp(at("203.0.113.5", 8080));
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("203.0.113.5", {8080})}},
                    {.connect_timeout = std::chrono::milliseconds(30)}) == "ECONNRESET");
  CHECK(text_of(fixture.sink.of_type("flow.failed").at(0), "reason") ==
        "connecting to 203.0.113.5 port 8080: Connection timed out");
}

TEST_CASE("an address that a rule names is reached, in both families") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({8080}, [] {
    return knock_all({at("203.0.113.5", 8080), at("2001:db8::5", 8080), at("203.0.113.6", 8080)});
  });
  const Server four(test::echo, at("203.0.113.5", 8080));
  const Server six(test::echo, at("::", 8080));
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("203.0.113.5", {8080}),
                               test::rule("2001:db8::5", {8080})}}) == "ping ping ECONNRESET");
}

TEST_CASE("the host's loopback is reached by its rule, under either address, and no other port") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({4873, 443}, [] {
    return knock_all({at("127.0.0.1", 4873),
                      at("::1", 4873),
                      at("127.0.0.1", 443),
                      {look_up("localhost"), 4873}});
  });
  const Server local(test::echo, at("127.0.0.1", 4873));
  const Server secret(test::echo, at("127.0.0.1", 443));
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("localhost", {4873}),
                               test::rule("registry.example.com", {443})}}) ==
        "ping ping ECONNRESET ping");
}

TEST_CASE("every other destination is reset or refused at once, and told") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({443}, [] {
    std::string report;
    for (const char* address : {"1.1.1.1", "169.254.169.254", "10.0.0.1", "198.18.0.77", "0.0.0.0",
                                "2001:db8::1", "64:ff9b::101:101"}) {
      report += knock(at(address, 443)) + ' ';
    }
    report += knock(at("1.1.1.1", 22)) + ' ';  // nobody listens there
    const auto quic = test::connect_to(at("1.1.1.1", 443), SOCK_DGRAM);
    test::send_all(quic.get(), "x");
    report += ::strerrorname_np(test::receive_error(quic.get()));
    return report;
  });
  const Server four(test::echo, at("0.0.0.0", 443));
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("registry.example.com", {443})}}) ==
        "ECONNRESET ECONNRESET ECONNRESET ECONNRESET ECONNRESET ECONNRESET ECONNRESET "
        "ECONNREFUSED ECONNREFUSED");
  const auto denied = fixture.broker->totals().hosts_denied;
  for (const char* address : {"1.1.1.1", "169.254.169.254", "10.0.0.1", "198.18.0.77",
                              "2001:db8::1", "64:ff9b::101:101"}) {
    CHECK(std::find(denied.begin(), denied.end(), DeniedHost{address, {}}) != denied.end());
  }
  CHECK(fixture.sink.count("flow.opened") == 0);
}

TEST_CASE("500 flows of one sandbox each keep their own bytes") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({4873}, [] {
    std::vector<base::UniqueFd> clients;
    for (int i = 0; i < 500; ++i) clients.push_back(connect_tcp(at("127.0.0.1", 4873)));
    for (std::size_t i = 0; i < clients.size(); ++i) {
      test::send_all(clients[i].get(), std::to_string(1000 + i));
    }
    std::size_t right = 0;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (test::receive_exactly(clients[i].get(), 4) == std::to_string(1000 + i)) ++right;
    }
    return std::to_string(right);
  });
  const Server local(test::echo, at("127.0.0.1", 4873));
  Fixture fixture;
  CHECK(fixture.run(sandbox, {{test::rule("localhost", {4873})}}) == "500");
}

}  // namespace sandbox_run::broker
