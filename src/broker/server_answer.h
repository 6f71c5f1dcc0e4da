#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sandbox_run::broker {

/// What a TLS server answers first: does it ask for another ClientHello?
struct ServerAnswer {
  enum class Kind {
    incomplete,     // `bytes_needed` must be there to tell
    retry_request,  // HelloRetryRequest (RFC 8446 4.1.3)
    final,          // a ServerHello, an alert, or no TLS at all: no other hello will be read
    unreadable      // it might ask, but in too small pieces to tell
  };
  Kind kind = Kind::final;
  std::size_t bytes_needed = 0;
};

/// `bytes` are the first of a server's. Pure.
ServerAnswer read_server_answer(std::span<const std::uint8_t> bytes);

}  // namespace sandbox_run::broker
