#include "events/sinks/syslog.h"

#include <array>
#include <ctime>

#include "base/format.h"
#include "base/text.h"
#include "events/words.h"

namespace sandbox_run::events {
namespace {

namespace json = base::json;

constexpr int kFacilityUser = 1;
constexpr std::size_t kLongestMessage = 8192;
constexpr std::size_t kLongestWords = 2048;
constexpr std::size_t kLongestMessageId = 32;
constexpr const char* kSyslogSocket = "/dev/log";
constexpr const char* kJournalSocket = "/run/systemd/journal/socket";

/// "alert: action must be taken immediately", "notice: normal but significant" (RFC 5424, 6.2.1).
int syslog_severity(const json::object& event) {
  const std::string severity = text_member(event, "severity");
  if (severity == name_of(Severity::alert)) return 1;
  return severity == name_of(Severity::notice) ? 5 : 6;
}

/// PRINTUSASCII without spaces, "-" if nothing is left (RFC 5424, 6).
std::string header_word(std::string_view text, std::size_t longest) {
  std::string word;
  for (const char c : text.substr(0, longest)) word += c > ' ' && c < 0x7F ? c : '_';
  return word.empty() ? "-" : word;
}

/// PARAM-VALUE: '"', '\' and ']' are escaped (RFC 5424, 6.3.3).
std::string parameter(std::string_view name, std::string_view value) {
  std::string text = base::format(" {}=\"", name);
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == ']') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string number_text(const json::object& event, std::string_view key) {
  const json::value* value = base::find_member(event, key);
  return value == nullptr ? "" : base::to_json(*value);
}

/// As a line that is too long for the log itself is shortened.
std::string without_details(json::object event, std::size_t bytes) {
  event["details"] = json::object{{"cut", bytes}};
  if (json::value* process = event.if_contains("process"); process && process->is_object()) {
    process->get_object()["argv"] = json::array{"… (cut)"};
  }
  return base::to_json(event);
}

}  // namespace

std::string syslog_message(const json::object& event, const std::string& line,
                           const SyslogOrigin& origin) {
  // 32473 is the number that RFC 5612 sets aside; there is no registered one of ours.
  const std::string head =
      base::format("<{}>1 {} {} sandbox-run {} {} [sandbox-run@32473{}{}{}{}] ",
                   kFacilityUser * 8 + syslog_severity(event),
                   header_word(text_member(event, "time"), 64), header_word(origin.host, 255),
                   origin.pid, header_word(text_member(event, "type"), kLongestMessageId),
                   parameter("run", shown(text_member(event, "run"))),
                   parameter("seq", number_text(event, "seq")),
                   parameter("severity", shown(text_member(event, "severity"))),
                   parameter("actor", cut(who_did_it(event), 256)));
  if (head.size() + line.size() <= kLongestMessage) return head + line;
  return head + without_details(event, line.size());
}

std::string local_syslog_message(const json::object& event, const std::string& line,
                                 const SyslogOrigin& origin) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%b %e %H:%M:%S", &local);
  const std::string head =
      base::format("<{}>{} sandbox-run[{}]: ", kFacilityUser * 8 + syslog_severity(event),
                   date.data(), origin.pid);
  return head + (head.size() + line.size() <= kLongestMessage
                     ? line
                     : without_details(event, line.size()));
}

std::string journal_message(const json::object& event, const std::string& line) {
  std::string message;
  // No value has a newline: each is printable. So each is KEY=VALUE on a line of its own.
  const auto field = [&](std::string_view name, std::string_view value) {
    message.append(name).append("=").append(value).append("\n");
  };
  field("MESSAGE", cut(who_did_it(event) + ": " + what_happened(event), kLongestWords));
  field("PRIORITY", std::to_string(syslog_severity(event)));
  field("SYSLOG_FACILITY", std::to_string(kFacilityUser));
  field("SYSLOG_IDENTIFIER", "sandbox-run");
  field("SANDBOX_RUN_ID", shown(text_member(event, "run")));
  field("SANDBOX_RUN_SEQ", number_text(event, "seq"));
  field("SANDBOX_RUN_TYPE", shown(text_member(event, "type")));
  field("SANDBOX_RUN_SEVERITY", shown(text_member(event, "severity")));
  if (const auto actor = actor_of(event)) {
    field("SANDBOX_RUN_ACTOR", who_did_it(event));
    if (!actor->package.empty()) field("SANDBOX_RUN_PACKAGE", shown(actor->package));
    if (!actor->version.empty()) field("SANDBOX_RUN_VERSION", shown(actor->version));
  }
  field("SANDBOX_RUN_EVENT", line);
  return message;
}

SyslogTransport::SyslogTransport(Format format, const std::string& where, SyslogOrigin origin)
    : format_(format),
      socket_(!where.empty()             ? where
              : format == Format::syslog ? kSyslogSocket
                                         : kJournalSocket,
              where.starts_with("tcp://") ? "601" : "514"),
      origin_(std::move(origin)) {}

std::string SyslogTransport::message_for(const std::string& line) const {
  const auto event = base::parse_json(line);
  if (!event || !event->is_object()) return "";  // not of ours: only our own lines get here
  if (format_ == Format::journald) return journal_message(event->get_object(), line);
  if (socket_.is_local()) return local_syslog_message(event->get_object(), line, origin_);
  std::string message = syslog_message(event->get_object(), line, origin_);
  return socket_.is_stream() ? base::format("{} {}", message.size(), message) : message;
}

Delivery SyslogTransport::deliver(std::span<const std::string> lines, Deadline deadline) {
  Delivery delivery;
  for (const std::string& line : lines) {
    const LogSocket::Result result = socket_.send(message_for(line), deadline);
    if (result == LogSocket::Result::sent) {
      ++delivery.sent;
      continue;
    }
    delivery.error = socket_.error();
    if (result == LogSocket::Result::too_large) {
      ++delivery.rejected;
      break;  // the next ones in another call: sent and rejected are counted from the first on
    }
    delivery.outcome = Delivery::Outcome::try_later;
    delivery.timed_out = result == LogSocket::Result::timed_out;
    break;
  }
  return delivery;
}

}  // namespace sandbox_run::events
