#pragma once

#include "broker/client_hello.h"
#include "broker/screen.h"

// TLS: the server name of each ClientHello must be the pinned one.
//
// There can be two: a server that likes none of the keys in the first asks for another (RFC 8446
// 4.1.4), and goes by what that one says. So nothing that follows the first goes on before the
// server's answer was seen; if it asks, the second is held to the same. After that all is
// encrypted, and relayed unseen.

namespace sandbox_run::broker {

class TlsScreen : public Screen {
 public:
  explicit TlsScreen(Pin pin) : pin_(std::move(pin)) {}

  bool watches(Direction) const override { return true; }
  Verdict look(Direction direction, std::span<const std::uint8_t> pending, Input input) override;

 private:
  enum class State : std::uint8_t { first_hello, answer, second_hello, open };

  Verdict look_at_client(std::span<const std::uint8_t> pending, Input input);
  Verdict look_at_hello(std::span<const std::uint8_t> pending, Input input, State next);
  Verdict look_at_answer(std::span<const std::uint8_t> pending, Input input);
  Verdict look_for_second_hello(std::span<const std::uint8_t> pending, Input input);

  Pin pin_;
  State state_ = State::first_hello;
};

}  // namespace sandbox_run::broker
