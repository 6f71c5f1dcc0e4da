// The pure parts: the name table, what a connection stands for, what a query is answered.
#include <doctest/doctest.h>

#include <variant>

#include "broker/admission.h"
#include "broker/name_service.h"
#include "broker/name_table.h"
#include "broker/upstream.h"
#include "support.h"

namespace sandbox_run::broker {
namespace {

using policy::EgressRule;
using test::dns_query;
using test::rule;

policy::NetworkPolicy example_policy() {
  return {{rule("registry.example.com", {443}, EgressRule::Origin::registry),
           rule("*.cdn.example.com", {443}), rule("203.0.113.7", {8080}), rule("localhost", {4873}),
           rule("169.254.169.254", {80})}};
}

Endpoint at(const std::string& address, std::uint16_t port) {
  return {Address::parse(address).value(), port};
}

Admission admitted(const std::variant<Admission, Refusal>& decision) {
  REQUIRE(std::holds_alternative<Admission>(decision));
  return std::get<Admission>(decision);
}

Refusal refused(const std::variant<Admission, Refusal>& decision) {
  REQUIRE(std::holds_alternative<Refusal>(decision));
  return std::get<Refusal>(decision);
}

struct Service {
  test::MemorySink sink;
  policy::NetworkPolicy policy = example_policy();
  Limits limits;
  NameTable names{limits.names};
  events::CallerTable callers;
  Recorder recorder{sink, callers, limits};
  policy::ProxyPolicy proxies;
  NameService service{policy, proxies, names, recorder};

  test::DnsResult ask(std::string_view name, std::uint16_t type,
                      events::CallerTable::Number caller = 0) {
    return test::read_dns_response(service.answer(dns_query(name, type), caller).value().message);
  }
};

}  // namespace

TEST_CASE("only a rule's own text is looked up before an answer, and by no proxy's leave") {
  Service service;
  const auto lookup = [&](std::string_view name, std::uint16_t type) {
    return service.service.answer(dns_query(name, type), 0).value().lookup;
  };
  CHECK(lookup("REGISTRY.example.com", 1) == "registry.example.com");
  CHECK(lookup("registry.example.com", 28) == "");
  CHECK(lookup("secret.cdn.example.com", 1) == "");
  CHECK(lookup("localhost", 1) == "");
  CHECK(lookup("evil.example.net", 1) == "");
  service.proxies.https =
      policy::Proxy{policy::Proxy::Scheme::http, "proxy.example.com", 3128, "", ""};
  CHECK(lookup("registry.example.com", 1) == "");
}

TEST_CASE("a name keeps its address, an address its name") {
  NameTable names(2);
  const Address first = names.address_of("a.example.com").value();
  const Address second = names.address_of("b.example.com").value();
  CHECK(first.text() == "198.18.0.1");
  CHECK(second.text() == "198.18.0.2");
  CHECK(names.address_of("a.example.com") == first);
  CHECK(names.name_of(second) == "b.example.com");
  CHECK_FALSE(names.name_of(at("198.18.0.3", 0).address));
  CHECK_FALSE(names.name_of(at("198.18.0.0", 0).address));
  CHECK_FALSE(names.name_of(Address::ipv6_loopback()));
}

TEST_CASE("a full name table gives no more addresses, and forgets none") {
  NameTable names(1);
  const Address first = names.address_of("a.example.com").value();
  CHECK_FALSE(names.address_of("b.example.com"));
  CHECK(names.address_of("a.example.com") == first);
}

TEST_CASE("the name table's addresses are those of 198.18.0.0/15") {
  CHECK(NameTable::covers(at("198.18.0.0", 0).address));
  CHECK(NameTable::covers(at("198.19.255.255", 0).address));
  CHECK_FALSE(NameTable::covers(at("198.20.0.0", 0).address));
  CHECK_FALSE(NameTable::covers(at("198.17.255.255", 0).address));
  CHECK_FALSE(NameTable::covers(at("2001:db8::c612:1", 0).address));
}

TEST_CASE("a v4-mapped address is the IPv4 address") {
  CHECK(at("::ffff:127.0.0.1", 0).address == Address::ipv4_loopback());
  CHECK(at("::ffff:127.0.0.1", 0).address.text() == "127.0.0.1");
  CHECK(Address::ipv4(127, 8, 9, 1).is_loopback());
  CHECK_FALSE(Address::parse("127.0.0.1:80"));
}

TEST_CASE("an address that was handed out leads to its name, on the rule's ports only") {
  const auto policy = example_policy();
  NameTable names(10);
  const Address registry = names.address_of("registry.example.com").value();
  const Admission admission = admitted(admit(policy, names, {registry, 443}, {}));
  CHECK(admission.host == "registry.example.com");
  CHECK(admission.lookup == "registry.example.com");
  CHECK(admission.rule == &policy.allow[0]);
  const Refusal refusal = refused(admit(policy, names, {registry, 8080}, {}));
  CHECK(refusal.name == "registry.example.com");
  CHECK(refusal.reason == "no rule allows port 8080 of it");
}

TEST_CASE("a wildcard rule looks up the name that was asked for") {
  const auto policy = example_policy();
  NameTable names(10);
  const Address address = names.address_of("eu.cdn.example.com").value();
  CHECK(admitted(admit(policy, names, {address, 443}, {})).lookup == "eu.cdn.example.com");
}

TEST_CASE("an address of the name table's range that nobody was given leads nowhere") {
  const NameTable names(10);
  CHECK(refused(admit(example_policy(), names, at("198.18.0.1", 443), {})).reason ==
        "no name was looked up that has this address");
}

TEST_CASE("an address is reached only by a rule that names it, on its ports") {
  const NameTable names(10);
  const auto policy = example_policy();
  const Admission admission = admitted(admit(policy, names, at("203.0.113.7", 8080), {}));
  CHECK(admission.lookup.empty());
  REQUIRE(admission.addresses.size() == 1);
  CHECK(admission.addresses[0].text() == "203.0.113.7");
  refused(admit(policy, names, at("203.0.113.7", 443), {}));
  refused(admit(policy, names, at("203.0.113.8", 8080), {}));
  refused(admit(policy, names, at("2001:db8::1", 443), {}));
}

TEST_CASE("the host's loopback needs a loopback rule; the family asked for comes first") {
  const NameTable names(10);
  const auto policy = example_policy();
  const Admission four = admitted(admit(policy, names, at("127.0.0.1", 4873), {}));
  REQUIRE(four.addresses.size() == 2);
  CHECK(four.addresses[0].text() == "127.0.0.1");
  CHECK(four.addresses[1].text() == "::1");
  const Admission six = admitted(admit(policy, names, at("::1", 4873), {}));
  REQUIRE(six.addresses.size() == 2);
  CHECK(six.addresses[0].text() == "::1");
  CHECK(six.lookup.empty());
  refused(admit(policy, names, at("127.0.0.1", 443), {}));
  refused(admit(policy, names, at("::1", 8080), {}));
  refused(admit(policy, names, at("::", 4873), {}));
  refused(admit(policy, names, at("0.0.0.0", 4873), {}));
}

TEST_CASE("what a name resolves to is judged address by address") {
  const auto policy = example_policy();
  NameTable names(10);
  const Address cdn = names.address_of("eu.cdn.example.com").value();
  const Admission admission = admitted(admit(policy, names, {cdn, 443}, {}));
  const Candidates candidates =
      judge_candidates(admission, {at("127.0.0.1", 0).address, at("93.184.216.34", 0).address,
                                   at("169.254.169.254", 0).address, at("10.0.0.1", 0).address,
                                   at("::1", 0).address, at("64:ff9b::7f00:1", 0).address});
  REQUIRE(candidates.allowed.size() == 1);
  CHECK(candidates.allowed[0].text() == "93.184.216.34");
  CHECK(candidates.refused.size() == 5);
}

TEST_CASE("a rule that names the metadata address does not open it") {
  const NameTable names(10);
  const auto policy = example_policy();
  const Admission admission = admitted(admit(policy, names, at("169.254.169.254", 80), {}));
  CHECK(judge_candidates(admission, admission.addresses).allowed.empty());
}

TEST_CASE("an allowed name has an A record and nothing else") {
  Service service;
  const auto a = service.ask("REGISTRY.example.com", 1);
  CHECK(a.rcode == 0);
  REQUIRE(a.addresses.size() == 1);
  CHECK(service.names.name_of(a.addresses[0]) == "registry.example.com");
  for (const std::uint16_t type :
       std::initializer_list<std::uint16_t>{2, 6, 12, 15, 16, 28, 33, 64, 65, 252, 255, 4711}) {
    const auto other = service.ask("registry.example.com", type);
    CHECK(other.rcode == 0);
    CHECK(other.addresses.empty());
  }
}

TEST_CASE("a name that no rule allows does not exist, whatever is asked of it") {
  Service service;
  for (const char* name :
       {"evil.example.net", "example.com", "cdn.example.com", "203.0.113.7",
        "registry.example.com.evil.example.net", "xregistry.example.com", "com"}) {
    for (const std::uint16_t type : std::initializer_list<std::uint16_t>{1, 28, 16, 65, 255}) {
      const auto result = service.ask(name, type);
      CHECK(result.rcode == 3);
      CHECK(result.addresses.empty());
    }
  }
  CHECK(service.ask("", 2).rcode == 3);
}

TEST_CASE("a label with a dot in it is not two labels") {
  Service service;
  auto query = dns_query("a.bXcdn.example.com", 1);
  for (auto& byte : query) {
    if (byte == 'X') byte = '.';
  }
  CHECK(test::read_dns_response(service.service.answer(query, 0).value().message).rcode == 3);
}

TEST_CASE("localhost is loopback in both families") {
  Service service;
  CHECK(service.ask("localhost", 1).addresses.at(0).text() == "127.0.0.1");
  CHECK(service.ask("LocalHost", 28).addresses.at(0).text() == "::1");
  CHECK(service.ask("localhost", 16).addresses.empty());
}

TEST_CASE("a lookup is an event once for each name and type, and counted each time") {
  Service service;
  for (int i = 0; i < 5; ++i) {
    service.ask("registry.example.com", 1);
    service.ask("evil.example.net", 28);
  }
  const auto events = service.sink.of_type("name.lookup");
  REQUIRE(events.size() == 2);
  CHECK(events[0].severity == events::Severity::info);
  CHECK(test::text_of(events[0], "verdict") == "allowed");
  CHECK(events[1].severity == events::Severity::notice);
  CHECK(test::text_of(events[1], "name") == "evil.example.net");
  CHECK(test::text_of(events[1], "qtype") == "AAAA");
  CHECK(test::text_of(events[1], "verdict") == "denied");
  const NetworkTotals totals = service.recorder.totals();
  CHECK(totals.lookups == 10);
  CHECK(totals.lookups_denied == 5);
  CHECK(totals.hosts_denied == std::vector<DeniedHost>{{"evil.example.net", {}}});
}

TEST_CASE("a resolver's search domain behind an allowed name is denied without alarm") {
  Service service;
  CHECK(service.ask("registry.example.com.lan", 1).rcode == 3);
  const auto events = service.sink.of_type("name.lookup");
  REQUIRE(events.size() == 1);
  CHECK(events[0].severity == events::Severity::info);
  CHECK(test::text_of(events[0], "verdict") == "denied");
  CHECK(service.recorder.totals().hosts_denied.empty());
}

TEST_CASE("the name of an address is denied without alarm, a message in its place with it") {
  Service service;
  CHECK(service.ask("1.0.18.198.in-addr.arpa", 12).rcode == 3);
  CHECK(service.ask("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", 12)
            .rcode == 3);
  CHECK(service.recorder.totals().hosts_denied.empty());
  CHECK(service.ask("secret.in-addr.arpa", 12).rcode == 3);
  CHECK(service.recorder.totals().hosts_denied ==
        std::vector<DeniedHost>{{"secret.in-addr.arpa", {}}});
}

TEST_CASE("a flood of different names makes a bounded number of events") {
  Service service;
  for (int i = 0; i < 2000; ++i) service.ask("x" + std::to_string(i) + ".example.net", 1);
  CHECK(service.sink.count("name.lookup") == service.limits.distinct_events);
  CHECK(service.sink.count("limit.reached") == 1);
  CHECK(service.recorder.totals().lookups_denied == 2000);
  CHECK(service.recorder.totals().hosts_denied.size() == service.limits.distinct_events);
}

TEST_CASE("when no address is left for a name, the answer is a failure, never another's address") {
  Service service;
  service.names = NameTable(1);
  CHECK(service.ask("a.cdn.example.com", 1).addresses.size() == 1);
  const auto result = service.ask("b.cdn.example.com", 1);
  CHECK(result.rcode == 2);
  CHECK(result.addresses.empty());
  CHECK(service.sink.count("limit.reached") == 1);
}

TEST_CASE("addresses are tried in turn of their families, else in their order") {
  const auto parse = [](const char* text) { return Address::parse(text).value(); };
  const auto text_of_all = [](const std::vector<Address>& addresses) {
    std::string text;
    for (const Address& address : addresses) text += address.text() + ' ';
    return text;
  };
  CHECK(text_of_all(interleave_families(
            {parse("2001:db8::1"), parse("2001:db8::2"), parse("192.0.2.1"), parse("192.0.2.2"),
             parse("192.0.2.3")})) == "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3 ");
  CHECK(interleave_families({}).empty());
}

}  // namespace sandbox_run::broker
