#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The head of an HTTP/1.x request: request line and fields (RFC 9112), as far as it says which host
// it is for and where the request ends. Pure.
//
// Must:     refuse all that two readers could understand in two ways (RFC 9112 11.2): a second Host
//           or length, Transfer-Encoding beside Content-Length, a line that ends in LF alone or
//           goes on in the next, space before a colon. One of the two readers is the server.
// Must not: mend anything.

namespace sandbox_run::broker {

/// Of one head, its empty line included.
inline constexpr std::size_t kMaxHttpHead = 64U << 10;

struct HttpHead {
  enum class State { incomplete, complete, refused };
  enum class Body { none, counted, chunked };
  State state = State::refused;
  std::size_t size = 0;   // complete: of the head
  std::string host;       // the Host field's value: "HOST[:PORT]"
  std::string authority;  // of an absolute-form target ("GET http://HOST/ …"); "": none
  Body body = Body::none;
  std::uint64_t body_size = 0;  // counted
  std::string problem;          // refused: words
};

/// `bytes` begin with the head, and may go on behind it.
HttpHead parse_http_head(std::string_view bytes);

/// The line before a chunk's data (RFC 9112 7.1), without an extension, which no client sends.
struct ChunkLine {
  enum class State { incomplete, complete, refused };
  State state = State::refused;
  std::size_t size = 0;     // complete: of the line
  std::uint64_t chunk = 0;  // complete: bytes of data that follow; 0: it was the last
};
ChunkLine parse_chunk_line(std::string_view bytes);

}  // namespace sandbox_run::broker
