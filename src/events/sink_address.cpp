#include "events/sink_address.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/sys_error.h"
#include "base/text.h"
#include "events/event.h"

namespace sandbox_run::events {
namespace {

using Kind = SinkAddress::Kind;

constexpr std::string_view kLevel = ",level=";

struct KnownKind {
  std::string_view name;
  Kind kind;
};
constexpr KnownKind kKinds[] = {{"stderr", Kind::words},  {"words", Kind::words},
                                {"syslog", Kind::syslog}, {"journald", Kind::journald},
                                {"otlp", Kind::otlp},     {"fd", Kind::file}};

[[noreturn]] void fail(std::string_view text, const std::string& why) {
  throw base::UserError("events can't go to '" + base::printable(text) + "': " + why);
}

const KnownKind* find_kind(std::string_view name) {
  const auto* found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&](const KnownKind& known) { return known.name == name; });
  return found == std::end(kKinds) ? nullptr : found;
}

/// "kafka" of "kafka:x" and of "kafka"; nullopt of what can only be a file.
std::optional<std::string> kind_word(std::string_view text) {
  const std::string_view word = text.substr(0, text.find(':'));
  const bool plain =
      !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
  return plain ? std::optional<std::string>(word) : std::nullopt;
}

/// An unknown kind, or a file? "kafka:x" is no file that anybody means; "sylog" is a slip.
void refuse_unknown(std::string_view text, const std::string& word) {
  std::vector<std::string> names;
  for (const KnownKind& known : kKinds) names.emplace_back(known.name);
  const std::string near = base::nearest(word, names);
  if (near.empty() && word.size() == text.size()) return;
  fail(text, "there is no '" + word + "' to send to" +
                 (near.empty() ? "; known are a file, fd:N, stderr, words, syslog, journald, otlp"
                               : "; did you mean " + near + "?") +
                 " (a file of that name: ./" + base::printable(text) + ")");
}

Severity take_level(std::string_view& text) {
  const std::size_t at = text.rfind(kLevel);
  if (at == std::string_view::npos) return Severity::info;
  const std::string_view name = text.substr(at + kLevel.size());
  for (const Severity severity : {Severity::info, Severity::notice, Severity::alert}) {
    if (name == name_of(severity)) {
      text = text.substr(0, at);
      return severity;
    }
  }
  fail(text, "the level is info, notice or alert");
}

void check_place(const SinkAddress& address) {
  const std::string_view where = address.where;
  const bool path = where.starts_with('/');
  const bool network = where.starts_with("udp://") || where.starts_with("tcp://");
  const bool url = where.starts_with("http://") || where.starts_with("https://");
  switch (address.kind) {
    case Kind::syslog:
      if (where.empty() || path || (network && where.size() > 6)) return;
      fail(address.text, "write syslog, syslog:/SOCKET, syslog:udp://HOST or syslog:tcp://HOST");
    case Kind::journald:
      if (where.empty() || path) return;
      fail(address.text, "write journald, or journald:/SOCKET");
    case Kind::otlp:
      if (where.empty() || (url && where.find_first_of(" @") == std::string_view::npos)) return;
      fail(address.text,
           "write otlp, or otlp:http://HOST:4318 (credentials: OTEL_EXPORTER_OTLP_HEADERS)");
    case Kind::words:
      if (!where.empty()) return;
      fail(address.text, "write stderr, words:FILE or words:fd:N");
    case Kind::file:
      return;
  }
}

}  // namespace

SinkAddress parse_sink(std::string_view text) {
  SinkAddress address;
  address.text = text;
  if (text.empty()) fail(text, "name a file, fd:N, stderr, syslog, journald or otlp");
  const std::optional<std::string> word = kind_word(text.substr(0, text.rfind(kLevel)));
  const KnownKind* known = word ? find_kind(*word) : nullptr;
  if (word && known == nullptr) refuse_unknown(text, *word);
  if (known == nullptr || known->kind == Kind::file) {
    address.where = text;
    return address;
  }
  address.kind = known->kind;
  address.least = take_level(text);
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) address.where = text.substr(colon + 1);
  if (known->name == "stderr") {
    if (colon != std::string_view::npos) fail(address.text, "write stderr, or words:FILE");
    address.where = "fd:2";
  } else if (colon != std::string_view::npos && address.where.empty()) {
    fail(address.text, "after the ':' comes a place");
  }
  check_place(address);
  return address;
}

}  // namespace sandbox_run::events
