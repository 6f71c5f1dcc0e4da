#include "policy/egress.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace sandbox_run::policy;

namespace {

EgressRule rule(const std::string& host, std::vector<std::uint16_t> ports,
                EgressRule::Origin origin = EgressRule::Origin::user) {
  return {HostPattern::parse(host), std::move(ports), origin};
}

std::vector<std::uint8_t> bytes_of(const std::string& address) {
  std::array<std::uint8_t, 16> bytes{};
  const bool v6 = address.find(':') != std::string::npos;
  REQUIRE(::inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) == 1);
  return {bytes.begin(), bytes.begin() + (v6 ? 16 : 4)};
}

AddressKind kind_of(const std::string& address) { return classify_address(bytes_of(address)); }

}  // namespace

TEST_CASE("a name is looked up only if a rule names it") {
  const NetworkPolicy policy{{rule("registry.example.com", {443}), rule("*.example.net", {443})}};
  CHECK(rule_for_name(policy, "registry.example.com") == &policy.allow[0]);
  CHECK(rule_for_name(policy, "REGISTRY.EXAMPLE.COM") == &policy.allow[0]);
  CHECK(rule_for_name(policy, "a.example.net") == &policy.allow[1]);
  CHECK(rule_for_name(policy, "example.net") == nullptr);
  CHECK(rule_for_name(policy, "secret.registry.example.com") == nullptr);
  CHECK(rule_for_name({}, "registry.example.com") == nullptr);
}

TEST_CASE("a connection needs both name and port") {
  const NetworkPolicy policy{{rule("a.example.com", {443}), rule("a.example.com", {8443})}};
  CHECK(rule_for(policy, "a.example.com", 443, {}) == &policy.allow[0]);
  CHECK(rule_for(policy, "a.example.com", 8443, {}) == &policy.allow[1]);
  CHECK(rule_for(policy, "a.example.com", 80, {}) == nullptr);
  CHECK(rule_for(policy, "b.example.com", 443, {}) == nullptr);
}

TEST_CASE("an address rule is for that address, never for a name") {
  const NetworkPolicy policy{{rule("192.0.2.7", {443})}};
  CHECK(rule_for(policy, "192.0.2.7", 443, {}) != nullptr);
  CHECK(rule_for(policy, "192.0.2.8", 443, {}) == nullptr);
  CHECK(rule_for_name(policy, "192.0.2.7") == nullptr);
  CHECK(rule_for_name(policy, "localhost") == nullptr);
}

TEST_CASE("a loopback rule answers to localhost, 127.0.0.1 and ::1 alike") {
  for (const char* host : {"localhost", "127.0.0.1", "::1"}) {
    const NetworkPolicy policy{{rule(host, {4873})}};
    CAPTURE(host);
    CHECK(rule_for_name(policy, "localhost") != nullptr);
    CHECK(rule_for_name(policy, "LocalHost") != nullptr);
    CHECK(rule_for(policy, "127.0.0.1", 4873, {}) != nullptr);
    CHECK(rule_for(policy, "::1", 4873, {}) != nullptr);
    CHECK(rule_for(policy, "localhost", 80, {}) == nullptr);
    CHECK(rule_for_name(policy, "localhost.example.com") == nullptr);
  }
  const NetworkPolicy other{{rule("127.0.0.2", {80})}};
  CHECK(rule_for_name(other, "localhost") == nullptr);
  CHECK(rule_for(other, "127.0.0.2", 80, {}) != nullptr);
  CHECK(rule_for(other, "127.0.0.1", 80, {}) == nullptr);
}

TEST_CASE("the ports to listen on are sorted and named once") {
  const NetworkPolicy policy{{rule("a.example.com", {443, 80}), rule("b.example.com", {443, 22})}};
  CHECK(listened_ports(policy) == std::vector<std::uint16_t>{22, 80, 443});
  CHECK(listened_ports({}).empty());
}

TEST_CASE("addresses of the host itself and of metadata services are forbidden") {
  for (const char* address : {"0.0.0.0",
                              "0.1.2.3",
                              "127.0.0.1",
                              "127.255.255.255",
                              "169.254.169.254",
                              "224.0.0.1",
                              "255.255.255.255",
                              "240.0.0.1",
                              "192.0.0.192",
                              "100.100.100.200",
                              "168.63.129.16",
                              "::",
                              "::1",
                              "fe80::1",
                              "fec0::1",
                              "ff02::1",
                              "fd00:ec2::254",
                              "fd20:ce::254",
                              "100::1",
                              "2001::1",
                              "5f00::1",
                              "8000::1"}) {
    CAPTURE(address);
    CHECK(kind_of(address) == AddressKind::forbidden);
  }
}

TEST_CASE("private addresses are known") {
  for (const char* address :
       {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1",
        "198.19.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1", "fc00::1", "fdff::1",
        "2001:db8::1", "3fff:0:1::", "2001:2::1"}) {
    CAPTURE(address);
    CHECK(kind_of(address) == AddressKind::private_network);
  }
}

TEST_CASE("neighbours of special blocks are global") {
  for (const char* address :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.1", "169.253.0.1", "172.15.255.255", "172.32.0.0", "192.167.0.1", "198.17.0.1",
        "198.20.0.1", "223.255.255.255", "2606:4700::1", "2a00::1", "3ffe::1", "2001:200::1"}) {
    CAPTURE(address);
    CHECK(kind_of(address) == AddressKind::global);
  }
}

TEST_CASE("an IPv4 address hidden in an IPv6 one is judged as itself") {
  CHECK(kind_of("::ffff:127.0.0.1") == AddressKind::forbidden);
  CHECK(kind_of("::ffff:10.0.0.1") == AddressKind::private_network);
  CHECK(kind_of("::ffff:1.1.1.1") == AddressKind::global);
  CHECK(kind_of("::127.0.0.1") == AddressKind::forbidden);
  CHECK(kind_of("::ffff:0:169.254.169.254") == AddressKind::forbidden);
  CHECK(kind_of("64:ff9b::a9fe:a9fe") == AddressKind::forbidden);
  CHECK(kind_of("64:ff9b::101:101") == AddressKind::global);
  CHECK(kind_of("64:ff9b:1::7f00:1") == AddressKind::forbidden);
  CHECK(kind_of("64:ff9b:1::101:101") == AddressKind::private_network);
  CHECK(kind_of("2002:7f00:1::") == AddressKind::forbidden);
  CHECK(kind_of("2002:c0a8:1::1") == AddressKind::private_network);
}

TEST_CASE("an address of no known size is forbidden") {
  const std::vector<std::uint8_t> odd(5, 1);
  CHECK(classify_address(odd) == AddressKind::forbidden);
  CHECK(classify_address({}) == AddressKind::forbidden);
}

TEST_CASE("private results are for registries and literal addresses only") {
  const auto private_address = bytes_of("10.0.0.1");
  CHECK(may_connect(rule("r.example.com", {443}, EgressRule::Origin::registry), private_address));
  CHECK(may_connect(rule("10.0.0.1", {443}), private_address));
  CHECK_FALSE(may_connect(rule("r.example.com", {443}), private_address));
  CHECK_FALSE(may_connect(rule("*.example.com", {443}), private_address));
  CHECK(may_connect(rule("r.example.com", {443}), bytes_of("1.1.1.1")));
  for (const char* address : {"127.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"}) {
    CAPTURE(address);
    CHECK_FALSE(
        may_connect(rule("r.example.com", {443}, EgressRule::Origin::registry), bytes_of(address)));
    CHECK_FALSE(may_connect(rule("169.254.169.254", {80}), bytes_of(address)));
  }
}

TEST_CASE("a rule is for those it names, and for nobody unknown") {
  using Kind = Requester::Kind;
  const auto covered = [](const Audience& audience) {
    std::string who;
    for (const Requester& requester :
         {Requester{Kind::unknown, {}}, Requester{Kind::package_manager, {}},
          Requester{Kind::script, "electron"}, Requester{Kind::script, ""},
          Requester{Kind::build, "electron"}, Requester{Kind::project_script, {}}}) {
      who += covers(audience, requester) ? 'x' : '-';
    }
    return who;
  };
  CHECK(covered({Audience::Kind::any, {}}) == "xxxxxx");
  CHECK(covered({Audience::Kind::package_manager, {}}) == "-x----");
  CHECK(covered({Audience::Kind::scripts, {}}) == "--xxxx");
  CHECK(covered({Audience::Kind::package, "electron"}) == "--x---");
  CHECK(covered({Audience::Kind::package, ""}) == "------");
}

TEST_CASE("of several rules for a host, each is served by the one that is for them") {
  NetworkPolicy policy{
      {rule("a.example.com", {443}, EgressRule::Origin::registry), rule("a.example.com", {443})},
      {}};
  policy.allow[0].audience.kind = Audience::Kind::package_manager;
  policy.allow[1].audience.kind = Audience::Kind::scripts;
  CHECK(rule_for(policy, "a.example.com", 443, {Requester::Kind::package_manager, {}}) ==
        &policy.allow[0]);
  CHECK(rule_for(policy, "a.example.com", 443, {Requester::Kind::script, "x"}) == &policy.allow[1]);
  CHECK(rule_for(policy, "a.example.com", 443, {}) == nullptr);
  CHECK(rule_for_anybody(policy, "a.example.com", 443) == &policy.allow[0]);
  CHECK(rule_for_anybody(policy, "a.example.com", 80) == nullptr);
}

TEST_CASE(
    "a rule that says so may lead to a private address, never to the host's own or to metadata") {
  EgressRule with = rule("intern.example.com", {443});
  with.addresses = EgressRule::Addresses::private_too;
  const EgressRule without = rule("intern.example.com", {443});
  for (const char* address : {"10.1.2.3", "192.168.7.7", "172.31.0.1", "100.64.0.1", "fd12::1",
                              "::ffff:10.1.2.3", "64:ff9b::a01:203", "203.0.113.7"}) {
    CAPTURE(address);
    CHECK(may_connect(with, bytes_of(address)));
    CHECK_FALSE(may_connect(without, bytes_of(address)));
  }
  for (const char* address : {"127.0.0.1",
                              "::1",
                              "0.0.0.0",
                              "::",
                              "169.254.169.254",
                              "fe80::1",
                              "100.100.100.200",
                              "fd00:ec2::254",
                              "224.0.0.1",
                              "ff02::1",
                              "255.255.255.255",
                              "::ffff:127.0.0.1",
                              "::ffff:169.254.169.254",
                              "64:ff9b::7f00:1",
                              "64:ff9b::a9fe:a9fe",
                              "64:ff9b:1::7f00:1",
                              "2002:7f00:1::1",
                              "2002:a9fe:a9fe::1",
                              "::127.0.0.1",
                              "::ffff:0:127.0.0.1"}) {
    CAPTURE(address);
    CHECK_FALSE(may_connect(with, bytes_of(address)));
  }
}
