#include "broker/http_screen.h"

#include <optional>
#include <string>

#include "broker/http_head.h"

namespace sandbox_run::broker {
namespace {

Verdict refuse(std::string reason) { return Verdict::refuse({"", std::move(reason)}); }

/// nullopt: the request is for whom it must be.
std::optional<Objection> objection_to(const HttpHead& head, const Pin& pin) {
  for (const std::string& authority : {head.host, head.authority}) {
    if (authority.empty() || pin.accepts_authority(authority)) continue;
    return Objection{authority, "its HTTP request names another host than the one looked up"};
  }
  return std::nullopt;
}

}  // namespace

Verdict HttpScreen::look(Direction, std::span<const std::uint8_t> pending, Input input) {
  const std::string_view bytes(reinterpret_cast<const char*>(pending.data()), pending.size());
  std::uint64_t passed = 0;
  while (passed < bytes.size()) {
    Verdict verdict = look_at_part(bytes.substr(static_cast<std::size_t>(passed)));
    if (verdict.kind == Verdict::Kind::pass) {
      passed += verdict.bytes;
      continue;
    }
    // What is in order goes on first; the rest comes up again.
    if (passed > 0 && verdict.kind == Verdict::Kind::more) break;
    if (verdict.kind == Verdict::Kind::more && input == Input::ended) {
      return refuse("its last HTTP request is cut short");
    }
    return verdict;
  }
  return Verdict::pass(bytes.empty() ? Verdict::kAll : passed);
}

Verdict HttpScreen::look_at_part(std::string_view bytes) {
  switch (part_) {
    case Part::head:
      return look_at_head(bytes);
    case Part::chunk_line:
      return look_at_chunk_line(bytes);
    case Part::chunk_end:
      return look_at_line_end(bytes, Part::chunk_line);
    case Part::last_chunk_end:
      break;
  }
  return look_at_line_end(bytes, Part::head);
}

Verdict HttpScreen::look_at_head(std::string_view bytes) {
  HttpHead head = parse_http_head(bytes);
  if (head.state == HttpHead::State::incomplete) return Verdict::more(bytes.size() + 1);
  if (head.state == HttpHead::State::refused) return refuse("its HTTP is refused: " + head.problem);
  if (auto objection = objection_to(head, pin_)) return Verdict::refuse(std::move(*objection));
  part_ = head.body == HttpHead::Body::chunked ? Part::chunk_line : Part::head;
  return Verdict::pass(head.size + head.body_size);
}

Verdict HttpScreen::look_at_chunk_line(std::string_view bytes) {
  const ChunkLine line = parse_chunk_line(bytes);
  if (line.state == ChunkLine::State::incomplete) return Verdict::more(bytes.size() + 1);
  if (line.state == ChunkLine::State::refused)
    return refuse("its HTTP body's chunks are malformed");
  part_ = line.chunk == 0 ? Part::last_chunk_end : Part::chunk_end;
  return Verdict::pass(line.size + line.chunk);
}

/// Fields behind the last chunk are refused: no client of ours sends any.
Verdict HttpScreen::look_at_line_end(std::string_view bytes, Part next) {
  constexpr std::string_view kLineEnd = "\r\n";
  if (!kLineEnd.starts_with(bytes.substr(0, kLineEnd.size()))) {
    return refuse("its HTTP body's chunks are malformed");
  }
  if (bytes.size() < kLineEnd.size()) return Verdict::more(bytes.size() + 1);
  part_ = next;
  return Verdict::pass(kLineEnd.size());
}

}  // namespace sandbox_run::broker
