#include "broker/http_head.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.h"

namespace sandbox_run::broker {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMaxMethod = 32;
constexpr std::size_t kMaxChunkDigits = 15;

bool is_token_byte(char byte) {  // RFC 9110 5.6.2
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || kOthers.find(byte) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_byte);
}

bool is_control(char byte) { return (byte >= 0 && byte < ' ') || byte == '\x7f'; }

std::string_view trim_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Digits alone: no sign, no blank, no list. nullopt: not that, or too many.
std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  // Far from where a sum could overflow.
  return number >> 60U == 0 ? std::optional(number) : std::nullopt;
}

/// The parts of a head, taken up line by line; each step gives what is wrong, or "".
class HeadReader {
 public:
  std::string request_line(std::string_view line);
  std::string field(std::string_view line);
  std::string finish();
  HttpHead take() && { return std::move(head_); }

 private:
  std::string target(std::string_view method, std::string_view text);
  std::string known_field(const std::string& name, std::string_view value);

  HttpHead head_;
  bool is_http_1_1_ = false;
  bool has_host_ = false;
  bool has_length_ = false;
  bool has_encoding_ = false;
};

std::string HeadReader::request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return "it is no HTTP/1 request";
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method) || method.size() > kMaxMethod) return "it is no HTTP/1 request";
  if (version == "HTTP/2.0") return "it is HTTP/2 without TLS";
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return "it is no HTTP/1 request";
  is_http_1_1_ = version == "HTTP/1.1";
  if (method == "CONNECT") return "it asks for a tunnel (CONNECT)";
  return target(method, line.substr(first + 1, last - first - 1));
}

std::string HeadReader::target(std::string_view method, std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  const bool plain = std::none_of(text.begin(), text.end(),
                                  [](char byte) { return byte == ' ' || is_control(byte); });
  if (!plain || text.empty()) return "its target is malformed";
  if (text[0] == '/' || (text == "*" && method == "OPTIONS")) return "";
  if (base::to_lower(text.substr(0, kScheme.size())) != kScheme) return "its target is malformed";
  const std::string_view rest = text.substr(kScheme.size());
  head_.authority = rest.substr(0, rest.find_first_of("/?#"));
  return head_.authority.empty() ? "its target is malformed" : "";
}

std::string HeadReader::field(std::string_view line) {
  // RFC 9112 5.2: a blank first would continue the line before, for some readers.
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return "a field of its head is malformed";
  }
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (std::any_of(value.begin(), value.end(),
                  [](char byte) { return byte != '\t' && is_control(byte); })) {
    return "a field of its head has a control character";
  }
  return known_field(base::to_lower(line.substr(0, colon)), value);
}

std::string HeadReader::known_field(const std::string& name, std::string_view value) {
  const std::string usual = base::replace_all(name, "_", "-");
  if (usual == "host") {
    if (std::exchange(has_host_, true)) return "it has several Host fields";
    head_.host = value;
  } else if (usual == "content-length") {
    const auto number = parse_number(value, 10);
    if (std::exchange(has_length_, true) || !number) return "its Content-Length is malformed";
    head_.body = HttpHead::Body::counted;
    head_.body_size = *number;
  } else if (usual == "transfer-encoding") {
    if (std::exchange(has_encoding_, true) || base::to_lower(value) != "chunked") {
      return "its Transfer-Encoding is not just \"chunked\"";
    }
    head_.body = HttpHead::Body::chunked;
  } else if (usual == "upgrade") {
    return "it asks for another protocol (Upgrade)";
  } else {
    return "";
  }
  // Programs behind some servers see '_' and '-' as one.
  return usual == name ? "" : "a field of its head is malformed";
}

std::string HeadReader::finish() {
  if (!has_host_ || head_.host.empty()) return "it has no Host";
  if (has_length_ && has_encoding_) return "it has both Content-Length and Transfer-Encoding";
  if (has_encoding_ && !is_http_1_1_) return "it has a Transfer-Encoding, which HTTP/1.0 has not";
  head_.state = HttpHead::State::complete;
  return "";
}

HttpHead unreadable(std::string problem) {
  HttpHead head;
  head.problem = std::move(problem);
  return head;
}

HttpHead cut_short(std::string_view bytes) {
  // Another protocol's greeting can be told before its line ends, if it ever does.
  const std::string_view method = bytes.substr(0, bytes.find(' '));
  if (method.size() > kMaxMethod || !std::all_of(method.begin(), method.end(), is_token_byte)) {
    return unreadable("it is no HTTP/1 request");
  }
  if (bytes.size() >= kMaxHttpHead) return unreadable("its head is over 64 KiB");
  HttpHead head;
  head.state = HttpHead::State::incomplete;
  return head;
}

}  // namespace

HttpHead parse_http_head(std::string_view bytes) {
  const std::string_view all = bytes.substr(0, kMaxHttpHead);
  HeadReader reader;
  std::size_t at = 0;
  for (std::size_t number = 0;; ++number) {
    const std::size_t end = all.find('\n', at);
    if (end == std::string_view::npos) return cut_short(all);
    if (end == at || all[end - 1] != '\r') return unreadable("a line of its head ends in LF alone");
    const std::string_view line = all.substr(at, end - 1 - at);
    at = end + 1;
    std::string problem;
    if (number == 0) {
      problem = reader.request_line(line);
    } else {
      problem = line.empty() ? reader.finish() : reader.field(line);
    }
    if (!problem.empty()) return unreadable(std::move(problem));
    if (number > 0 && line.empty()) break;
  }
  HttpHead head = std::move(reader).take();
  head.size = at;
  return head;
}

ChunkLine parse_chunk_line(std::string_view bytes) {
  ChunkLine line;
  const std::size_t end = bytes.find('\r');
  if (end == std::string_view::npos || end + 1 == bytes.size()) {
    if (bytes.size() <= kMaxChunkDigits + 1) line.state = ChunkLine::State::incomplete;
    return line;
  }
  const std::string_view digits = bytes.substr(0, end);
  const auto number = parse_number(digits, 16);
  if (digits.size() > kMaxChunkDigits || bytes[end + 1] != '\n' || !number) return line;
  line.state = ChunkLine::State::complete;
  line.size = end + kLineEnd.size();
  line.chunk = *number;
  return line;
}

}  // namespace sandbox_run::broker
