// What may go on of a connection that is held to a name.
#include "broker/screen.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support.h"
#include "tls_support.h"

namespace sandbox_run::broker {
namespace {

using Kind = Verdict::Kind;
using Input = Screen::Input;
using test::client_hello;

const Endpoint kDestination{Address::ipv4(198, 18, 0, 1), 443};

Pin pin_to(std::string_view host, const Endpoint& destination = kDestination) {
  const policy::EgressRule rule = test::pinned_rule(host, {destination.port});
  return Pin(Admission{&rule, std::string(host), "", {}}, destination);
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Verdict first_look(std::span<const std::uint8_t> bytes, Input input = Input::open) {
  return make_screen(pin_to("a.example.com"))->look(Direction::up, bytes, input);
}

std::string get(std::string_view host, std::string_view more = "") {
  return "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n" + std::string(more) + "\r\n";
}

/// How much of `text` a fresh screen passes, looked at as a relay does it; nullopt: it refuses.
std::optional<std::string> passed_of(std::string text) {
  const auto screen = make_screen(pin_to("a.example.com"));
  std::string passed;
  while (!text.empty()) {
    const Verdict verdict = screen->look(Direction::up, bytes_of(text), Input::ended);
    if (verdict.kind != Kind::pass) return std::nullopt;
    const std::size_t count = std::min<std::uint64_t>(verdict.bytes, text.size());
    passed += text.substr(0, count);
    text.erase(0, count);
  }
  return passed;
}

}  // namespace

TEST_CASE("a pin takes its host in any spelling, and no other") {
  const Pin pin = pin_to("a.example.com");
  for (const char* host : {"a.example.com", "A.Example.COM", "a.example.com."})
    CHECK(pin.accepts(host));
  for (const char* host :
       {"", "example.com", "b.example.com", "a.example.com..", "a.example.com.evil.net",
        "evil.net,a.example.com", "me@a.example.com", "a.example.com%00"}) {
    CHECK(!pin.accepts(host));
  }
  CHECK(pin.accepts_authority("a.example.com"));
  CHECK(pin.accepts_authority("a.example.com:443"));
  for (const char* authority :
       {"a.example.com:80", "a.example.com:", "a.example.com:443x", "a.example.com:+443",
        "a.example.com:0443443", "a.example.com:443:443", ":443", "evil.net:443"}) {
    CHECK(!pin.accepts_authority(authority));
  }
  CHECK(!pin.accepts_no_server_name());
}

TEST_CASE("a pin to an address takes the address, and TLS without a name") {
  const Pin pin = pin_to("2001:db8::5", {Address::parse("2001:db8::5").value(), 8080});
  CHECK(pin.accepts_authority("[2001:db8::5]:8080"));
  CHECK(pin.accepts_authority("[2001:DB8:0::5]"));
  CHECK(!pin.accepts_authority("[2001:db8::6]:8080"));
  CHECK(!pin.accepts("a.example.com"));
  CHECK(pin.accepts_no_server_name());
}

TEST_CASE("a pin to the host's loopback takes each of its names") {
  const Pin pin = pin_to("localhost", {Address::ipv4_loopback(), 4873});
  for (const char* host : {"localhost:4873", "127.0.0.1:4873", "[::1]:4873", "LOCALHOST"}) {
    CHECK(pin.accepts_authority(host));
  }
  CHECK(!pin.accepts("a.example.com"));
  CHECK(pin.accepts_no_server_name());
}

TEST_CASE("TLS that names the pinned host passes its hello; the rest waits for the answer") {
  const auto screen = make_screen(pin_to("a.example.com"));
  test::Bytes hello = client_hello("A.example.com");
  const std::size_t size = hello.size();
  test::put(hello, {23, 3, 3, 0, 1, 0});  // early data
  Verdict verdict = screen->look(Direction::up, hello, Input::open);
  CHECK(verdict.kind == Kind::pass);
  CHECK(verdict.bytes == size);
  const auto rest = std::span<const std::uint8_t>(hello).subspan(size);
  CHECK(screen->look(Direction::up, rest, Input::open).kind == Kind::hold);
  const test::Bytes answer = test::server_answer(test::Answer::server_hello);
  verdict = screen->look(Direction::down, std::span(answer).first(7), Input::open);
  CHECK(verdict.kind == Kind::more);
  CHECK(screen->look(Direction::down, answer, Input::open).bytes == Verdict::kAll);
  CHECK(screen->look(Direction::up, rest, Input::open).bytes == Verdict::kAll);
}

TEST_CASE("TLS for another host, for none, or for whom cannot be seen, is refused") {
  Verdict verdict = first_look(client_hello("evil.example.net"));
  CHECK(verdict.kind == Kind::refuse);
  CHECK(verdict.objection.claimed == "evil.example.net");
  CHECK(verdict.objection.reason == "its TLS names another host than the one looked up");
  CHECK(first_look(client_hello("")).objection.reason == "its TLS names no host");
  const auto encrypted = test::in_records(
      test::client_hello_message({test::server_name("a.example.com"), {0xfe0d, {0, 0, 1}}}));
  CHECK(first_look(encrypted).objection.reason ==
        "its TLS ClientHello is encrypted (ECH), so that its host cannot be seen");
  CHECK(first_look(test::Bytes{22, 3, 1, 0, 0}).kind == Kind::refuse);
  const auto half = std::span(encrypted).first(20);
  CHECK(first_look(half).kind == Kind::more);
  CHECK(first_look(half, Input::ended).kind == Kind::refuse);
}

TEST_CASE("a second ClientHello is held to the name as the first is") {
  const test::Bytes answer = test::server_answer(test::Answer::retry_request);
  for (const bool honest : {true, false}) {
    const auto screen = make_screen(pin_to("a.example.com"));
    CHECK(screen->look(Direction::up, client_hello("a.example.com"), Input::open).kind ==
          Kind::pass);
    CHECK(screen->look(Direction::down, answer, Input::open).bytes == Verdict::kAll);
    // Before it, a ChangeCipherSpec and early data, which the server skips.
    test::Bytes second{20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 4, 9, 9, 9, 9};
    CHECK(screen->look(Direction::up, std::span(second).first(3), Input::open).kind == Kind::more);
    CHECK(screen->look(Direction::up, second, Input::open).bytes == 6);
    CHECK(screen->look(Direction::up, std::span(second).subspan(6), Input::open).bytes == 9);
    const auto hello = client_hello(honest ? "a.example.com" : "evil.example.net");
    const Verdict verdict = screen->look(Direction::up, hello, Input::open);
    CHECK(verdict.kind == (honest ? Kind::pass : Kind::refuse));
    if (honest) CHECK(verdict.bytes == Verdict::kAll);
  }
}

TEST_CASE("a server that ends without an answer sets the client free") {
  const auto screen = make_screen(pin_to("a.example.com"));
  screen->look(Direction::up, client_hello("a.example.com"), Input::open);
  CHECK(screen->look(Direction::down, {}, Input::ended).bytes == Verdict::kAll);
  CHECK(screen->look(Direction::up, {}, Input::ended).bytes == Verdict::kAll);
}

TEST_CASE("HTTP: each request must be for the pinned host") {
  const std::string good = get("a.example.com");
  const std::string evil = get("evil.example.net");
  CHECK(passed_of(good) == good);
  CHECK(passed_of(good + good + good) == good + good + good);
  CHECK(passed_of(evil) == std::nullopt);
  CHECK(passed_of(good + evil) == std::nullopt);
  const Verdict verdict = first_look(bytes_of(evil));
  CHECK(verdict.objection.claimed == "evil.example.net");
  CHECK(verdict.objection.reason == "its HTTP request names another host than the one looked up");
}

TEST_CASE("HTTP: an absolute target must be for the pinned host, and its Host field too") {
  const auto request = [](std::string_view target, std::string_view host) {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
  };
  CHECK(passed_of(request("http://a.example.com/", "a.example.com")));
  CHECK(!passed_of(request("http://evil.example.net/", "a.example.com")));
  CHECK(!passed_of(request("http://a.example.com/", "evil.example.net")));
  CHECK(!passed_of(request("http://a.example.com@evil.example.net/", "a.example.com")));
}

TEST_CASE("HTTP: a body is passed over to its last byte, and not one further") {
  const std::string evil = get("evil.example.net");
  const std::string body =
      get("a.example.com", "Content-Length: " + std::to_string(evil.size()) + "\r\n");
  CHECK(passed_of(body + evil));  // in the body, it is no request
  CHECK(!passed_of(body + evil + evil));
  const std::string chunked = get("a.example.com", "Transfer-Encoding: chunked\r\n");
  CHECK(passed_of(chunked + "3\r\nabc\r\n0\r\n\r\n" + get("a.example.com")));
  CHECK(!passed_of(chunked + "3\r\nabc\r\n0\r\n\r\n" + evil));
  CHECK(!passed_of(chunked + "3\r\nabcd\r\n0\r\n\r\n"));
  CHECK(!passed_of(chunked + "0\r\nHost: evil.example.net\r\n\r\n"));
  CHECK(!passed_of(chunked + "0;x\r\n\r\n"));
}

TEST_CASE("HTTP: the same verdict, however the requests are cut") {
  const std::string text = get("a.example.com", "Transfer-Encoding: chunked\r\n") +
                           "4\r\nabcd\r\n1f\r\n" + std::string(31, 'x') + "\r\n0\r\n\r\n" +
                           get("a.example.com", "Content-Length: 5\r\n") + "12345" +
                           get("evil.example.net");
  const std::size_t evil_at = text.size() - get("evil.example.net").size();
  for (std::size_t step = 1; step < text.size(); ++step) {
    const auto screen = make_screen(pin_to("a.example.com"));
    std::size_t passed = 0;
    bool refused = false;
    for (std::size_t there = step; !refused && passed < text.size();) {
      const std::string_view pending = std::string_view(text).substr(passed, there - passed);
      const Verdict verdict = screen->look(Direction::up, bytes_of(pending), Input::open);
      if (verdict.kind == Kind::pass) passed += verdict.bytes;
      if (verdict.kind == Kind::more || passed >= there)
        there = std::min(text.size(), std::max(passed + 1, there + step));
      refused = verdict.kind == Kind::refuse;
    }
    CHECK(refused);
    CHECK(passed <= evil_at);
  }
}

TEST_CASE("what speaks neither TLS nor HTTP is refused") {
  for (const char* greeting : {"\x80\x2e", " GET", "\x05\x01", "\r\n"}) {
    CHECK(first_look(bytes_of(greeting)).objection.reason ==
          "it speaks neither TLS nor HTTP, and the rule is not for protocol \"any\"");
  }
  CHECK(first_look(bytes_of("SSH-2.0-x\r\n")).kind == Kind::refuse);
}

}  // namespace sandbox_run::broker
