#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>

#include "broker/pin.h"

namespace sandbox_run::broker {

enum class Direction : std::uint8_t { up, down };  // client → upstream, and back

/// Why a connection is ended, for the event.
struct Objection {
  std::string claimed;  // the host that it said it is for; "": none
  std::string reason;
  enum class About : std::uint8_t { host, content } about = About::host;  // what is wrong
  bool is_private = false;  // its name leads to a private address, which the rule does not cover
};

/// How much of what a peer has sent may go on.
struct Verdict {
  enum class Kind : std::uint8_t { pass, more, hold, refuse };
  static constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

  Kind kind = Kind::refuse;
  /// pass: this many bytes from the first pending one on, those yet to come included; kAll: to the
  /// end, unseen. more: so many must be pending before it is worth to look again. hold: nothing
  /// until the other direction's next pass.
  std::uint64_t bytes = 0;
  Objection objection = {};  // refuse

  static Verdict pass(std::uint64_t bytes) { return {Kind::pass, bytes}; }
  static Verdict more(std::uint64_t bytes) { return {Kind::more, bytes}; }
  static Verdict hold() { return {Kind::hold}; }
  static Verdict refuse(Objection objection) { return {Kind::refuse, 0, std::move(objection)}; }
};

/// Judges the bytes of one connection before they go on. No I/O: what it is shown it may see again,
/// whole and with more behind it, until it passes it.
class Screen {
 public:
  enum class Input : std::uint8_t { open, ended };  // ended: nothing comes after what is pending

  Screen() = default;
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  virtual ~Screen() = default;

  /// Does it want to see what comes this way? If not, all of it passes.
  virtual bool watches(Direction direction) const = 0;
  /// `pending` is what has come in and was not passed yet; empty only if `input` has ended.
  virtual Verdict look(Direction direction, std::span<const std::uint8_t> pending, Input input) = 0;
};

/// The most that a screen asks for.
inline constexpr std::size_t kMaxPending = 66U << 10;

/// Tells TLS and HTTP by the connection's first byte, and refuses everything else.
std::unique_ptr<Screen> make_screen(Pin pin);

}  // namespace sandbox_run::broker
