#include "broker/proxy_dialogue.h"

#include <doctest/doctest.h>

namespace sandbox_run::broker {
namespace {

using policy::Proxy;
using State = ProxyDialogue::State;
using namespace std::string_literals;

const Proxy kHttp{Proxy::Scheme::http, "proxy.example.com", 3128, "", ""};
const Proxy kLogin{Proxy::Scheme::http, "proxy.example.com", 3128, "me", "secret"};
const Proxy kSocks{Proxy::Scheme::socks5h, "proxy.example.com", 1080, "", ""};
const Proxy kSocksLogin{Proxy::Scheme::socks5h, "proxy.example.com", 1080, "me", "pw"};

}  // namespace

TEST_CASE("CONNECT names the host, with credentials only if there are some") {
  CHECK(ProxyDialogue(kHttp, "a.example.com", 443).take_outgoing() ==
        "CONNECT a.example.com:443 HTTP/1.1\r\nHost: a.example.com:443\r\n\r\n");
  CHECK(ProxyDialogue(kLogin, "2001:db8::1", 80).take_outgoing() ==
        "CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n"
        "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n");
}

TEST_CASE("an answer is heard in any pieces, and what follows it is left to the host") {
  const std::string answer = "HTTP/1.0 200 OK\r\nX: y\r\n\r\n";
  for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
    ProxyDialogue dialogue(kHttp, "a.example.com", 443);
    std::string waiting = answer.substr(0, cut);
    ProxyDialogue::Step step;
    if (!waiting.empty()) step = dialogue.hear(waiting);
    waiting.erase(0, step.consumed);
    if (step.state != State::open) {
      waiting += answer.substr(cut) + "SSH-2.0";
      step = dialogue.hear(waiting);
      waiting.erase(0, step.consumed);
      CHECK(waiting == "SSH-2.0");
    }
    CHECK(step.state == State::open);
  }
}

TEST_CASE("a proxy that refuses, or is none, is told in words of ours") {
  const auto reason = [](const std::string& answer) {
    const auto step = ProxyDialogue(kHttp, "a.example.com", 443).hear(answer);
    CHECK(step.state == State::refused);
    return step.reason;
  };
  CHECK(reason("HTTP/1.1 407 \x1b[2J\r\n\r\n") == "it wants another user or password (407)");
  CHECK(reason("HTTP/1.1 403 no\r\n\r\n") == "it answered 403");
  CHECK(reason("SSH-2.0 x\r\n\r\n") == "it does not speak HTTP");
  CHECK(reason("HTTP/1.1 2x0 \r\n\r\n") == "it does not speak HTTP");
  CHECK(reason(std::string(20000, 'x')) == "its answer has no end");
  CHECK(reason("HTTP/1.1 200 " + std::string(20000, 'x') + "\r\n\r\n") == "its answer has no end");
}

TEST_CASE("SOCKS 5 gets the name, and the password if it asks for one") {
  ProxyDialogue plain(kSocks, "a.example.com", 443);
  CHECK(plain.take_outgoing() == "\x05\x01\x00"s);
  CHECK(plain.hear("\x05").state == State::asking);
  CHECK(plain.hear("\x05\x00"s).consumed == 2);
  CHECK(plain.take_outgoing() ==
        "\x05\x01\x00\x03\x0d"
        "a.example.com\x01\xbb"s);
  CHECK(plain.hear("\x05\x00\x00\x03\x02"s).consumed == 0);
  const auto open = plain.hear("\x05\x00\x00\x03\x02xy\x00\x50rest"s);
  CHECK(open.state == State::open);
  CHECK(open.consumed == 9);

  ProxyDialogue login(kSocksLogin, "192.0.2.1", 80);
  CHECK(login.take_outgoing() == "\x05\x02\x00\x02"s);
  CHECK(login.hear("\x05\x02"s).state == State::asking);
  CHECK(login.take_outgoing() == "\x01\x02me\x02pw"s);
  CHECK(login.hear("\x01\x00"s).state == State::asking);
  CHECK(login.take_outgoing() == "\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"s);
  CHECK(login.hear("\x05\x05\x00\x01\x00"s).reason == "it answered: connection refused");
}

TEST_CASE("SOCKS answers that make no sense end the dialogue") {
  const auto after_greeting = [](const Proxy& proxy, const std::string& answer) {
    ProxyDialogue dialogue(proxy, "a.example.com", 443);
    return dialogue.hear(answer).state;
  };
  CHECK(after_greeting(kSocks, "HTTP") == State::refused);
  CHECK(after_greeting(kSocks, "\x05\x02") == State::refused);  // no password to give
  CHECK(after_greeting(kSocks, "\x05\xff") == State::refused);
  ProxyDialogue dialogue(kSocks, "a.example.com", 443);
  CHECK(dialogue.hear("\x05\x00"s).state == State::asking);
  CHECK(dialogue.hear("\x05\x00\x00\x07\x00\x00\x00\x00\x00\x00"s).state == State::refused);
}

}  // namespace sandbox_run::broker
