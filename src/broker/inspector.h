#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "broker/screen.h"

namespace sandbox_run::broker {

/// Shows a screen what a TCP socket has received, and leaves it there: what passes is spliced on
/// from the socket itself, so that nothing else can go out than what was judged.
///
/// Must:     look seldom, however slowly a head trickles in: SO_RCVLOWAT (socket(7)) keeps the
/// socket
///           from becoming readable before there is more to see.
/// Needs:    SO_OOBINLINE on the socket. Else recv(2) passes over a byte of urgent data, which
///           splice(2) does not: what is judged and what goes on would not be the same.
class Inspector {
 public:
  /// `buffer`, kMaxPending bytes, is used during look() only: all connections share it.
  Inspector(Screen& screen, Direction direction, std::span<std::uint8_t> buffer)
      : screen_(&screen), direction_(direction), buffer_(buffer) {}

  struct Result {
    enum class Kind : std::uint8_t {
      pass,  // as Verdict
      wait,  // until the socket is readable
      hold,
      refuse,
      lost  // the connection has failed
    };
    Kind kind = Kind::lost;
    std::uint64_t bytes = 0;   // pass
    Objection objection = {};  // refuse
  };
  Result look(int socket);

 private:
  Result judge(int socket, std::span<const std::uint8_t> pending, Screen::Input input);

  Screen* screen_;
  Direction direction_;
  std::span<std::uint8_t> buffer_;
  std::size_t seen_ = 0;  // bytes at the last look, if more were asked for
  int looks_ = 0;         // since the last pass
};

}  // namespace sandbox_run::broker
