// Whose a connection is, as the kernel carries it: the client here may set marks itself, for it has
// kept its capabilities; in a sandbox only the supervisor can.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>

#include "base/sys_error.h"
#include "base/text.h"
#include "broker/broker.h"
#include "broker/event_loop.h"
#include "namespace_support.h"
#include "support.h"

namespace sandbox_run::broker {
namespace {

using events::Actor;
using policy::Audience;
using policy::EgressRule;
using test::Sandbox;
using test::text_of;

Endpoint at(const std::string& address, std::uint16_t port) {
  return {Address::parse(address).value(), port};
}

Actor actor(Actor::Kind kind, const std::string& package = "") {
  return {kind, package, package.empty() ? "" : "1.0.0", package.empty() ? "" : "postinstall"};
}

base::UniqueFd marked_socket(const Endpoint& endpoint, int type, std::uint32_t mark) {
  base::UniqueFd socket(base::check_sys(
      ::socket(endpoint.address.is_ipv6() ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0), "socket"));
  base::check_sys(::setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark), "mark");
  const SocketAddress address = to_sockaddr(endpoint);
  base::check_sys(::connect(socket.get(), address.get(), address.length), "connect");
  return socket;
}

std::string knock(const Endpoint& endpoint, std::uint32_t mark) {
  try {
    const auto socket = marked_socket(endpoint, SOCK_STREAM, mark);
    test::send_all(socket.get(), "ping");
    return test::receive_exactly(socket.get(), 4);
  } catch (const base::SysError& error) {
    const int number = error.error_number();
    return ::strerrorname_np(number == EPIPE ? ECONNRESET : number);
  }
}

struct Fixture {
  EventLoop loop;
  test::MemorySink sink;
  events::CallerTable callers;
  std::optional<Broker> broker;

  Fixture() {
    REQUIRE(callers.add({actor(Actor::Kind::package_manager), {}}) == 1);
    REQUIRE(callers.add({actor(Actor::Kind::script, "electron"), {}}) == 2);
    REQUIRE(callers.add({actor(Actor::Kind::script, "left-pad"), {}}) == 3);
  }

  std::string run(Sandbox& sandbox, std::vector<EgressRule> rules) {
    broker.emplace(loop, policy::NetworkPolicy{std::move(rules), {}}, sandbox.take_sockets(), sink,
                   callers);
    std::string report = sandbox.run(loop);
    broker->shut_down();
    return report;
  }
};

EgressRule rule_for(Audience audience) {
  EgressRule rule = test::rule("203.0.113.5", {443});
  rule.audience = std::move(audience);
  rule.protocol = EgressRule::Protocol::any;
  return rule;
}

std::string knock_as_each() {
  std::vector<std::string> answers;
  for (const std::uint32_t mark : {0U, 1U, 2U, 3U, 77U}) {
    answers.push_back(knock(at("203.0.113.5", 443), mark));
  }
  return base::join(answers, " ");
}

}  // namespace

TEST_CASE("a rule holds only for connections of those it is for") {
  if (!test::enter_outer_namespace()) return;
  const std::pair<Audience, const char*> cases[] = {
      {{Audience::Kind::any, {}}, "ping ping ping ping ping"},
      {{Audience::Kind::package_manager, {}}, "ECONNRESET ping ECONNRESET ECONNRESET ECONNRESET"},
      {{Audience::Kind::scripts, {}}, "ECONNRESET ECONNRESET ping ping ECONNRESET"},
      {{Audience::Kind::package, "electron"}, "ECONNRESET ECONNRESET ping ECONNRESET ECONNRESET"},
  };
  for (const auto& [audience, expected] : cases) {
    Sandbox sandbox({443}, knock_as_each);
    const test::Server server(test::echo, at("203.0.113.5", 443));
    Fixture fixture;
    CHECK(fixture.run(sandbox, {rule_for(audience)}) == expected);
  }
}

TEST_CASE("a flow's events name its actor, and why another's was refused") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({443}, knock_as_each);
  const test::Server server(test::echo, at("203.0.113.5", 443));
  Fixture fixture;
  fixture.run(sandbox, {rule_for({Audience::Kind::package, "electron"})});
  for (const char* type : {"flow.opened", "flow.closed"}) {
    const auto found = fixture.sink.of_type(type);
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].actor);
    CHECK(events::to_words(*found[0].actor) == "electron@1.0.0 postinstall");
  }
  std::vector<std::string> told;
  for (const events::Event& event : fixture.sink.of_type("flow.denied")) {
    told.push_back((event.actor ? events::to_words(*event.actor) : "nobody") + ": " +
                   text_of(event, "reason"));
  }
  const std::string reason = "its rule is for scripts of electron alone";
  CHECK(told == std::vector<std::string>{
                    "nobody: " + reason + ", and whose connection this is, is not known",
                    "package manager: " + reason, "left-pad@1.0.0 postinstall: " + reason});
  REQUIRE(fixture.broker->totals().hosts_denied.size() == 1);
  CHECK(fixture.broker->totals().hosts_denied[0].actor.kind == Actor::Kind::package_manager);
}

TEST_CASE("lookups and tries that the kernel refuses have their actor, too") {
  if (!test::enter_outer_namespace()) return;
  Sandbox sandbox({443}, [] {
    const auto query = test::dns_query("evil.example.net", 1);
    const auto lookup = marked_socket(at("192.0.2.53", 53), SOCK_DGRAM, 3);
    test::send_all(lookup.get(), {reinterpret_cast<const char*>(query.data()), query.size()});
    (void)test::receive_exactly(lookup.get(), 12);
    const auto datagram = marked_socket(at("192.0.2.1", 9999), SOCK_DGRAM, 2);
    test::send_all(datagram.get(), "x");
    (void)test::receive_error(datagram.get());
    return knock(at("2001:db8::1", 81), 3);
  });
  Fixture fixture;
  CHECK(fixture.run(sandbox, {test::rule("registry.example.com", {443})}) == "ECONNREFUSED");
  const auto lookups = fixture.sink.of_type("name.lookup");
  REQUIRE(lookups.size() == 1);
  REQUIRE(lookups[0].actor);
  CHECK(lookups[0].actor->package == "left-pad");
  const auto denied = fixture.sink.of_type("flow.denied");
  REQUIRE(denied.size() == 2);
  for (const events::Event& event : denied) {
    REQUIRE(event.actor);
    CHECK(event.actor->package == (text_of(event, "protocol") == "udp" ? "electron" : "left-pad"));
  }
}

}  // namespace sandbox_run::broker
