#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

// The first message of a TLS connection, as far as it says which host it is for (RFC 8446 4.1.2 and
// 5.1, RFC 6066 3, RFC 9849 for its encrypted form). Pure.
//
// Must:     find the message in any fragments (of records, and of segments: bytes yet to come);
//           take time linear in the bytes given.
// Must not: accept what two readers could understand in two ways: two server names, bytes left
// over.

namespace sandbox_run::broker {

/// Of the message, its own four-byte header included.
inline constexpr std::size_t kMaxClientHello = 64U << 10;
/// That it may come in. Whoever sends more, of a few bytes each, wants the reader to give up.
inline constexpr std::size_t kMaxClientHelloRecords = 128;
/// No more than this is ever needed to see all of it.
inline constexpr std::size_t kMaxClientHelloBytes = kMaxClientHello + 5 * kMaxClientHelloRecords;

struct ClientHello {
  enum class State { incomplete, complete, malformed };
  State state = State::malformed;
  /// incomplete: how many must be there before it is worth to look again; complete: how many the
  /// records of the message take.
  std::size_t bytes = 0;
  /// As it came; "": none. Of letters, digits, '-', '_' and '.' only.
  std::string server_name;
  bool encrypted = false;  // it carries another, encrypted ClientHello (or pretends to: GREASE)
  std::string problem;     // malformed: words
};

/// `bytes` is a connection's beginning.
ClientHello parse_client_hello(std::span<const std::uint8_t> bytes);

}  // namespace sandbox_run::broker
