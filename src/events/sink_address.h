#pragma once

#include <string>
#include <string_view>

#include "events/event_sink.h"

namespace sandbox_run::events {

/// Where `--events` and `[events] sinks` send events, as typed:
///
///     FILE, fd:N                             JSON Lines, as in the run's own log
///     stderr, words:FILE, words:fd:N         one line in words for each event
///     syslog, syslog:/SOCKET, syslog:udp://HOST[:PORT], syslog:tcp://HOST[:PORT]
///     journald, journald:/SOCKET
///     otlp, otlp:URL
///
/// followed, but for JSON Lines, by ",level=info", ",level=notice" or ",level=alert".
struct SinkAddress {
  enum class Kind { file, words, syslog, journald, otlp };
  Kind kind = Kind::file;
  std::string where;  // FILE, "fd:N", /SOCKET, "udp://…", URL; "": the kind's own default
  Severity least = Severity::info;
  std::string text;  // as typed, for messages
};

/// Pure. Throws UserError for a kind that there is not (with the nearest), and for what is missing
/// or too much. A file whose name looks like a kind is written with its directory: ./syslog.
SinkAddress parse_sink(std::string_view text);

}  // namespace sandbox_run::events
