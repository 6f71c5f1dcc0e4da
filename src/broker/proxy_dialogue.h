#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/proxy.h"

namespace sandbox_run::broker {

/// What is said to an upstream proxy, and what its answers mean, until it lets the connection
/// through: CONNECT (RFC 9110 9.3.6, Basic: RFC 7617), or SOCKS 5 (RFC 1928, RFC 1929). Pure: the
/// caller sends and receives.
///
/// Must: leave the first byte behind the proxy's last answer where it is: it is the host's.
/// Must not: let anything of the proxy's answer into a message but its numbers.
class ProxyDialogue {
 public:
  /// `host` is a name or an address literal, at most 255 bytes.
  ProxyDialogue(const policy::Proxy& proxy, const std::string& host, std::uint16_t port);

  /// What is to be sent now; "" once all is said. Taken by the call.
  std::string take_outgoing();

  enum class State { asking, open, refused };
  struct Step {
    State state = State::asking;
    std::size_t consumed = 0;  // of `bytes`: to be taken from the socket
    std::string reason = {};   // refused: words
  };
  /// `bytes` have come and are still in the socket. Whatever is not consumed is shown again, with
  /// what follows it.
  Step hear(std::string_view bytes);

 private:
  enum class Phase { http_answer, socks_method, socks_login, socks_reply };

  Step hear_http(std::string_view bytes);
  Step hear_socks_method(std::string_view bytes);
  Step hear_socks_login(std::string_view bytes);
  Step hear_socks_reply(std::string_view bytes) const;
  std::string socks_request() const;

  const policy::Proxy& proxy_;
  std::string host_;
  std::uint16_t port_;
  Phase phase_ = Phase::http_answer;
  std::string outgoing_;
  std::string head_;  // of the HTTP answer, so far
};

}  // namespace sandbox_run::broker
