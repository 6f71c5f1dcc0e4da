#include "broker/dns_message.h"

#include <doctest/doctest.h>

#include <string>

#include "support.h"

namespace sandbox_run::broker {
namespace {

using test::Bytes;
using test::dns_name;
using test::dns_query;

void append(Bytes& bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

Bytes with_opt(Bytes query, std::uint8_t version = 0) {
  query[11] = static_cast<std::uint8_t>(query[11] + 1);  // ARCOUNT
  append(query, {0, 0, 41, 0x10, 0, 0, version, 0x80, 0, 0, 0});
  return query;
}

Rcode problem_of(const Bytes& message) {
  const auto query = parse_dns_query(message);
  REQUIRE(query);
  return query->problem;
}

}  // namespace

TEST_CASE("a plain query is read, its letter case kept for the answer only") {
  const auto query = parse_dns_query(dns_query("ReGiStRy.Example.COM", 1, 0xbeef));
  REQUIRE(query);
  CHECK(query->problem == Rcode::no_error);
  CHECK(query->id == 0xbeef);
  CHECK(query->recursion_desired);
  REQUIRE(query->question);
  CHECK(query->question->name == "registry.example.com");
  CHECK(query->question->is_host_name);
  CHECK(query->question->type == dns_type::kA);

  const auto response = test::read_dns_response(
      build_dns_response(*query, {.rcode = Rcode::no_error, .address = {198, 18, 0, 1}, .ttl = 9}));
  CHECK(response.id == 0xbeef);
  CHECK(response.rcode == 0);
  const Bytes kept = dns_name("ReGiStRy.Example.COM");
  CHECK(response.question == std::string(kept.begin(), kept.end()));
  REQUIRE(response.addresses.size() == 1);
  CHECK(response.addresses[0].text() == "198.18.0.1");
}

TEST_CASE("an AAAA answer carries sixteen bytes") {
  const auto query = parse_dns_query(dns_query("localhost", dns_type::kAaaa));
  REQUIRE(query);
  Bytes loopback(16);
  loopback[15] = 1;
  const auto response =
      test::read_dns_response(build_dns_response(*query, {.address = loopback, .ttl = 9}));
  REQUIRE(response.addresses.size() == 1);
  CHECK(response.addresses[0].text() == "::1");
}

TEST_CASE("EDNS is answered by EDNS, a later version by BADVERS") {
  const auto query = parse_dns_query(with_opt(dns_query("a.example.com", 1)));
  REQUIRE(query);
  CHECK(query->edns);
  CHECK(query->problem == Rcode::no_error);
  const Bytes response = build_dns_response(*query, {.rcode = Rcode::name_error});
  CHECK(response[11] == 1);
  CHECK(response[response.size() - 9] == 41);  // the OPT record's type

  const auto later = parse_dns_query(with_opt(dns_query("a.example.com", 1), 1));
  REQUIRE(later);
  CHECK(later->problem == Rcode::bad_version);
  const Bytes bad_version = build_dns_response(*later, {.rcode = later->problem});
  CHECK((bad_version[3] & 0xfU) == 0);
  CHECK(bad_version[bad_version.size() - 6] == 1);  // extended rcode: 1 << 4

  CHECK(problem_of(with_opt(with_opt(dns_query("a.example.com", 1)))) == Rcode::format_error);
}

TEST_CASE("what is no query is not answered") {
  CHECK_FALSE(parse_dns_query({}));
  CHECK_FALSE(parse_dns_query(Bytes(11)));
  Bytes response = dns_query("a.example.com", 1);
  response[2] |= 0x80U;
  CHECK_FALSE(parse_dns_query(response));
}

TEST_CASE("other opcodes, question counts and classes have their own errors") {
  Bytes update = dns_query("a.example.com", 1);
  update[2] = 5U << 3U;
  CHECK(problem_of(update) == Rcode::not_implemented);
  Bytes none = dns_query("a.example.com", 1);
  none[5] = 0;
  CHECK(problem_of(none) == Rcode::format_error);
  Bytes two = dns_query("a.example.com", 1);
  two[5] = 2;
  CHECK(problem_of(two) == Rcode::format_error);
  CHECK(problem_of(dns_query("a.example.com", 1, 1, 3)) == Rcode::refused);
  CHECK(problem_of(dns_query("a.example.com", 1, 1, 255)) == Rcode::refused);
}

TEST_CASE("a query cut off at any byte is a format error or no query") {
  const Bytes whole = with_opt(dns_query("registry.example.com", 1));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto query = parse_dns_query(std::span(whole).first(size));
    CHECK(query.has_value() == (size >= 12));
    if (query) CHECK(query->problem == Rcode::format_error);
  }
}

TEST_CASE("compression pointers in the question are refused: to itself, in a loop, forward") {
  for (const Bytes& pointer :
       {Bytes{0xc0, 12}, Bytes{1, 'a', 0xc0, 12}, Bytes{0xc0, 14, 0xc0, 12}, Bytes{0xc0, 0xff},
        Bytes{0xff, 0xff}, Bytes{0x40, 'a', 0}, Bytes{0x80, 'a', 0}}) {
    Bytes message = dns_query("", 1);
    message.resize(12);
    append(message, pointer);
    append(message, {0, 1, 0, 1});
    CHECK(problem_of(message) == Rcode::format_error);
  }
}

TEST_CASE("pointers in later records are passed over, never followed") {
  Bytes message = dns_query("a.example.com", 1);
  message[11] = 1;
  append(message, {0xc0, static_cast<std::uint8_t>(message.size())});  // to itself
  append(message, {0, 1, 0, 1, 0, 0, 0, 0, 0, 0});
  CHECK(problem_of(message) == Rcode::no_error);
}

TEST_CASE("counts that promise more records than the message holds are a format error") {
  Bytes message = dns_query("a.example.com", 1);
  for (std::size_t i = 6; i < 12; ++i) message[i] = 0xff;
  CHECK(problem_of(message) == Rcode::format_error);
  message.resize(65535);
  CHECK(problem_of(message) != Rcode::no_error);
}

TEST_CASE("names may have 255 bytes on the wire and labels 63, not more") {
  const std::string label(63, 'a');
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
  CHECK(problem_of(dns_query(longest, 1)) == Rcode::no_error);
  CHECK(problem_of(dns_query(longest + 'a', 1)) == Rcode::format_error);
  CHECK(problem_of(dns_query(std::string(64, 'a'), 1)) == Rcode::format_error);
}

TEST_CASE("bytes that no host name has cannot pass for one") {
  Bytes message = dns_query("", 1);
  message.resize(12);
  append(message, {14, 'a', '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e', '.', 'c', 'o', 0, '\n', 0});
  append(message, {0, 1, 0, 1});
  const auto query = parse_dns_query(message);
  REQUIRE(query);
  REQUIRE(query->question);
  CHECK_FALSE(query->question->is_host_name);
  CHECK(query->question->name == "a\\046example\\046co\\000\\010");

  const auto root = parse_dns_query(dns_query("", 2));
  REQUIRE(root);
  CHECK_FALSE(root->question.value().is_host_name);
}

TEST_CASE("record types have their names, or a number") {
  CHECK(dns_type_name(28) == "AAAA");
  CHECK(dns_type_name(65) == "HTTPS");
  CHECK(dns_type_name(4711) == "TYPE4711");
}

}  // namespace sandbox_run::broker
