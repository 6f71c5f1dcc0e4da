#include "policy/host_pattern.h"

#include <doctest/doctest.h>

#include "expect_error.h"

using sandbox_run::policy::HostAndPort;
using sandbox_run::policy::HostPattern;
using sandbox_run::policy::parse_host_and_port;

namespace {

std::string parse_error(const std::string& text) {
  return error_of([&] { HostPattern::parse(text); });
}

std::string port_error(const std::string& text) {
  return error_of([&] { parse_host_and_port(text); });
}

}  // namespace

TEST_CASE("an exact name matches itself in any letter case and nothing else") {
  const HostPattern pattern = HostPattern::parse("Registry.Example.COM");
  CHECK(pattern.text() == "registry.example.com");
  CHECK(pattern.matches("registry.example.com"));
  CHECK(pattern.matches("REGISTRY.example.com"));
  CHECK_FALSE(pattern.matches("x.registry.example.com"));
  CHECK_FALSE(pattern.matches("registry.example.com."));
  CHECK_FALSE(pattern.matches(std::string_view("registry.example.com\0.x", 23)));
  CHECK_FALSE(pattern.matches(""));
}

TEST_CASE("a wildcard matches names below its domain, not the domain") {
  const HostPattern pattern = HostPattern::parse("*.example.com");
  CHECK(pattern.is_wildcard());
  CHECK(pattern.text() == "*.example.com");
  CHECK(pattern.matches("a.example.com"));
  CHECK(pattern.matches("a.b.example.com"));
  CHECK_FALSE(pattern.matches("example.com"));
  CHECK_FALSE(pattern.matches(".example.com"));
  CHECK_FALSE(pattern.matches("a..example.com"));
  CHECK_FALSE(pattern.matches("aexample.com"));
  CHECK_FALSE(pattern.matches("example.com.evil.example.net"));
  CHECK_FALSE(pattern.matches(std::string("a\0b.example.com", 15)));
  CHECK_FALSE(pattern.matches("a b.example.com"));
}

TEST_CASE("patterns that are too broad are refused with the cure") {
  CHECK(contains(parse_error("*"), "every host"));
  CHECK(contains(parse_error("*."), "dot at its end"));
  CHECK(contains(parse_error("*..com"), "label"));
  CHECK(contains(parse_error("*.com"), "public suffix"));
  CHECK(contains(parse_error("*.co.uk"), "public suffix"));
  CHECK(contains(parse_error("*.localhost"), "public suffix"));
  CHECK(contains(parse_error("a.*.com"), "star"));
  CHECK(contains(parse_error("a*.example.com"), "star"));
  CHECK(contains(parse_error("*.*.example.com"), "star"));
  CHECK_NOTHROW(HostPattern::parse("*.example.co.uk"));
}

TEST_CASE("what is not a plain name is refused") {
  CHECK(contains(parse_error(""), "empty"));
  CHECK(contains(parse_error(std::string("a\0.example.com", 14)), "NUL"));
  CHECK(contains(parse_error("example.com."), "dot at its end"));
  CHECK(contains(parse_error("a..example.com"), "empty"));
  CHECK(contains(parse_error(".example.com"), "empty"));
  CHECK(contains(parse_error("exa mple.com"), "letters"));
  CHECK(contains(parse_error("b\xc3\xbc"
                             "cher.example"),
                 "xn--"));
  CHECK(contains(parse_error("https://registry.example.com/"), "URL"));
  CHECK(contains(parse_error("user@example.com"), "letters"));
  CHECK(contains(parse_error(std::string(64, 'a') + ".example.com"), "63"));
  std::string longest;
  for (int i = 0; i < 50; ++i) longest += "abcde.";
  CHECK(contains(parse_error(longest + "example.com"), "253"));
  CHECK_FALSE(contains(parse_error("\x1b[31mred"), "\x1b"));
}

TEST_CASE("numbers that some resolvers take for addresses are refused") {
  for (const char* text : {"127.1", "2130706433", "0x7f000001", "0x7f.1", "1.2.3", "10.0.0.256"}) {
    CAPTURE(text);
    CHECK(contains(parse_error(text), "reads like an address"));
  }
  CHECK_NOTHROW(HostPattern::parse("1.example.com"));
  CHECK_NOTHROW(HostPattern::parse("_srv.1password.example"));
}

TEST_CASE("addresses are kept in canonical form") {
  CHECK(HostPattern::parse("192.0.2.1").is_address());
  CHECK(HostPattern::parse("2001:DB8:0::1").text() == "2001:db8::1");
  CHECK(HostPattern::parse("2001:db8::1").matches("2001:0db8:0:0:0:0:0:1"));
  CHECK(HostPattern::parse("::ffff:192.0.2.1").text() == "192.0.2.1");
  CHECK(HostPattern::parse("192.0.2.1").matches("::ffff:192.0.2.1"));
  CHECK_FALSE(HostPattern::parse("192.0.2.1").matches("192.0.2.10"));
  CHECK(contains(parse_error("0.0.0.0"), "no host"));
  CHECK(contains(parse_error("::"), "no host"));
  CHECK(contains(parse_error("fe80::1%eth0"), "letters"));
}

TEST_CASE("loopback is known under all its names") {
  for (const char* text :
       {"localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    CAPTURE(text);
    CHECK(HostPattern::parse(text).is_loopback());
  }
  CHECK_FALSE(HostPattern::parse("127.example.com").is_loopback());
  CHECK_FALSE(HostPattern::parse("localhost.example.com").is_loopback());
}

TEST_CASE("a host may carry a port") {
  const HostAndPort plain = parse_host_and_port("registry.example.com");
  CHECK(plain.port == 0);
  CHECK(parse_host_and_port("registry.example.com:8443").port == 8443);
  CHECK(parse_host_and_port("localhost:4873").host.is_loopback());
  CHECK(parse_host_and_port("[2001:db8::1]:443").host.text() == "2001:db8::1");
  CHECK(parse_host_and_port("[2001:db8::1]:443").port == 443);
  CHECK(parse_host_and_port("[2001:db8::1]").port == 0);
  CHECK(parse_host_and_port("2001:db8::1").port == 0);
}

TEST_CASE("ports out of range and odd brackets are refused") {
  for (const char* text : {"a.example.com:0", "a.example.com:65536", "a.example.com:",
                           "192.0.2.1:99999", "a.example.com:+80", "a.example.com:8 0",
                           "a.example.com:http", "a.example.com:000080", "[::1]:70000"}) {
    CAPTURE(text);
    CHECK(contains(port_error(text), "1 to 65535"));
  }
  CHECK(contains(port_error("[::1"), "bracket"));
  CHECK(contains(port_error("[::1]80"), "bracket"));
  CHECK(contains(port_error("[a.example.com]:80"), "IPv6"));
  CHECK(contains(port_error("https://a.example.com"), "URL"));
  CHECK(contains(port_error("https://a.example.com:443/x"), "URL"));
  CHECK(contains(port_error(":80"), "empty"));
}
