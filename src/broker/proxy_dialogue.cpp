#include "broker/proxy_dialogue.h"

#include <arpa/inet.h>

#include <array>
#include <utility>

#include "base/encoding.h"
#include "base/format.h"
#include "base/text.h"

namespace sandbox_run::broker {
namespace {

using policy::Proxy;

constexpr std::size_t kMaxHead = 16U << 10;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool brackets = host.find(':') != std::string::npos;
  return brackets ? base::format("[{}]:{}", host, port) : base::format("{}:{}", host, port);
}

std::string connect_request(const Proxy& proxy, const std::string& host, std::uint16_t port) {
  const std::string target = host_and_port(host, port);
  std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!proxy.user.empty() || !proxy.password.empty()) {
    request += "Proxy-Authorization: Basic " +
               base::base64_encode(proxy.user + ":" + proxy.password) + "\r\n";
  }
  return request + "\r\n";
}

bool has_login(const Proxy& proxy) { return !proxy.user.empty(); }

std::string with_length(std::string_view text) {
  return static_cast<char>(text.size()) + std::string(text);
}

/// The status of "HTTP/1.1 200 …"; 0 if that is not what it is.
int status_of(std::string_view head) {
  if (head.size() < 12 || !head.starts_with("HTTP/1.") || head[8] != ' ') return 0;
  int status = 0;
  for (const char digit : head.substr(9, 3)) {
    if (digit < '0' || digit > '9') return 0;
    status = status * 10 + (digit - '0');
  }
  return status;
}

std::string_view words_for_socks(unsigned reply) {
  constexpr std::array<std::string_view, 9> kWords = {"",
                                                      "general failure",
                                                      "not allowed by its rules",
                                                      "network unreachable",
                                                      "host unreachable",
                                                      "connection refused",
                                                      "expired",
                                                      "command not supported",
                                                      "address type not supported"};
  return reply < kWords.size() ? kWords[reply] : "unknown failure";
}

ProxyDialogue::Step refused(std::string reason) {
  return {ProxyDialogue::State::refused, 0, std::move(reason)};
}

ProxyDialogue::Step more() { return {}; }

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

}  // namespace

ProxyDialogue::ProxyDialogue(const Proxy& proxy, const std::string& host, std::uint16_t port)
    : proxy_(proxy), host_(host), port_(port) {
  if (proxy.scheme != Proxy::Scheme::socks5h) {
    outgoing_ = connect_request(proxy, host, port);
    return;
  }
  phase_ = Phase::socks_method;
  outgoing_ =
      has_login(proxy) ? std::string("\x05\x02\x00\x02", 4) : std::string("\x05\x01\x00", 3);
}

std::string ProxyDialogue::take_outgoing() { return std::exchange(outgoing_, {}); }

ProxyDialogue::Step ProxyDialogue::hear(std::string_view bytes) {
  switch (phase_) {
    case Phase::http_answer:
      return hear_http(bytes);
    case Phase::socks_method:
      return hear_socks_method(bytes);
    case Phase::socks_login:
      return hear_socks_login(bytes);
    case Phase::socks_reply:
      return hear_socks_reply(bytes);
  }
  return refused("nothing");
}

ProxyDialogue::Step ProxyDialogue::hear_http(std::string_view bytes) {
  const std::size_t before = head_.size();
  head_ += bytes;
  const std::size_t end = head_.find(kEndOfHead);
  const bool has_ended = end != std::string::npos;
  // In one piece no more than in many.
  if ((has_ended ? end + kEndOfHead.size() : head_.size() + 1) > kMaxHead) {
    return refused("its answer has no end");
  }
  if (!has_ended) return {State::asking, bytes.size()};
  const int status = status_of(head_);
  if (status >= 200 && status < 300) {
    return {State::open, end + kEndOfHead.size() - before};
  }
  if (status == 407) return refused("it wants another user or password (407)");
  return refused(status == 0 ? "it does not speak HTTP" : base::format("it answered {}", status));
}

ProxyDialogue::Step ProxyDialogue::hear_socks_method(std::string_view bytes) {
  if (bytes.size() < 2) return more();
  if (byte_at(bytes, 0) != 5) return refused("it does not speak SOCKS 5");
  const unsigned method = byte_at(bytes, 1);
  if (method == 2 && has_login(proxy_)) {
    outgoing_ = '\x01' + with_length(proxy_.user) + with_length(proxy_.password);
    phase_ = Phase::socks_login;
  } else if (method == 0) {
    outgoing_ = socks_request();
    phase_ = Phase::socks_reply;
  } else {
    return refused("it wants a user and password");
  }
  return {State::asking, 2};
}

ProxyDialogue::Step ProxyDialogue::hear_socks_login(std::string_view bytes) {
  if (bytes.size() < 2) return more();
  if (byte_at(bytes, 1) != 0) return refused("it wants another user or password");
  outgoing_ = socks_request();
  phase_ = Phase::socks_reply;
  return {State::asking, 2};
}

ProxyDialogue::Step ProxyDialogue::hear_socks_reply(std::string_view bytes) const {
  constexpr std::size_t kUpToLength = 5;
  if (bytes.size() < kUpToLength) return more();
  if (byte_at(bytes, 0) != 5) return refused("it does not speak SOCKS 5");
  if (const unsigned reply = byte_at(bytes, 1); reply != 0) {
    return refused("it answered: " + std::string(words_for_socks(reply)));
  }
  std::size_t length = 0;  // with the address that it bound, which nobody needs, and the port
  switch (byte_at(bytes, 3)) {
    case 1:
      length = 4 + 4 + 2;
      break;
    case 3:
      length = kUpToLength + byte_at(bytes, 4) + 2;
      break;
    case 4:
      length = 4 + 16 + 2;
      break;
    default:
      return refused("it does not speak SOCKS 5");
  }
  if (bytes.size() < length) return more();
  return {State::open, length};
}

std::string ProxyDialogue::socks_request() const {
  std::string request("\x05\x01\x00", 3);
  std::array<char, 16> address{};
  if (::inet_pton(AF_INET, host_.c_str(), address.data()) == 1) {
    request += '\x01' + std::string(address.data(), 4);
  } else if (::inet_pton(AF_INET6, host_.c_str(), address.data()) == 1) {
    request += '\x04' + std::string(address.data(), address.size());
  } else {
    request += '\x03' + with_length(host_);
  }
  request += static_cast<char>(port_ >> 8U);
  request += static_cast<char>(port_ & 0xFFU);
  return request;
}

}  // namespace sandbox_run::broker
