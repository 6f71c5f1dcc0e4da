// libFuzzer: any bytes as the head of an HTTP request, or as the line before a chunk.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/http_head.h"
#include "fuzz.h"

namespace {

using namespace sandbox_run::broker;
using sandbox_run::fuzz::require;

bool has_control(std::string_view text) {
  for (const char byte : text) {
    if (byte == '\r' || byte == '\n' || byte == '\0') return true;
  }
  return false;
}

void check_head(std::string_view bytes) {
  using State = HttpHead::State;
  const HttpHead head = parse_http_head(bytes);
  require((head.state == State::refused) == !head.problem.empty());
  if (head.state == State::incomplete) require(bytes.size() < kMaxHttpHead);
  if (head.state != State::complete) return;
  require(head.size <= bytes.size() && head.size <= kMaxHttpHead);
  require(bytes.substr(0, head.size).ends_with("\r\n\r\n"));
  require(bytes.substr(0, head.size).find("\r\n\r\n") == head.size - 4);
  require(!head.host.empty() && !has_control(head.host) && !has_control(head.authority));
  require((head.body == HttpHead::Body::counted) || head.body_size == 0);
  require(parse_http_head(bytes.substr(0, head.size)).host == head.host);
  require(parse_http_head(bytes.substr(0, head.size - 1)).state == State::incomplete);
}

void check_chunk(std::string_view bytes) {
  const ChunkLine line = parse_chunk_line(bytes);
  if (line.state == ChunkLine::State::incomplete) require(bytes.size() <= 16);
  if (line.state != ChunkLine::State::complete) return;
  require(line.size <= bytes.size() && line.size >= 3 && line.chunk >> 60U == 0);
}

}  // namespace

FUZZ_TARGET(http_head, data, size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_head(bytes);
  check_chunk(bytes);
  return 0;
}
