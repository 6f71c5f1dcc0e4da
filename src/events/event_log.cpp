#include "events/event_log.h"

#include <algorithm>
#include <ctime>

#include "base/digest.h"
#include "base/format.h"
#include "base/text.h"
#include "events/sinks/file_sink.h"

namespace sandbox_run::events {
namespace {

namespace json = base::json;

constexpr int kMaxDepth = 8;

/// RFC 3339, UTC, microseconds: "2024-05-01T12:00:00.000001Z".
std::string timestamp(std::chrono::system_clock::time_point time) {
  using std::chrono::microseconds;
  const auto since_epoch = std::chrono::duration_cast<microseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const std::time_t whole = seconds.count();
  std::tm utc{};
  ::gmtime_r(&whole, &utc);
  return base::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900,
                      utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                      (since_epoch - microseconds(seconds)).count());
}

/// Safe UTF-8 of bounded length.
std::string safe(std::string_view bytes, const EventLimits& limits) {
  if (bytes.size() <= limits.string_bytes) return base::printable(bytes);
  std::size_t end = limits.string_bytes;
  // Not in the middle of a UTF-8 sequence, which is at most four bytes long.
  for (int i = 0; i < 3 && end > 0 && (static_cast<unsigned char>(bytes[end]) & 0xC0) == 0x80;
       ++i) {
    --end;
  }
  return base::printable(bytes.substr(0, end)) + base::format("… (cut: {} bytes)", bytes.size());
}

json::value safe(const json::value& value, const EventLimits& limits, int depth = 0) {
  if (depth > kMaxDepth) return "… (cut: too deep)";
  if (const json::string* text = value.if_string()) {
    return json::value(safe(std::string_view(text->data(), text->size()), limits));
  }
  if (const json::array* list = value.if_array()) {
    json::array result;
    for (const json::value& element : *list) {
      if (result.size() == limits.list_entries) {
        result.emplace_back(base::format("… (cut: {} entries)", list->size()));
        break;
      }
      result.push_back(safe(element, limits, depth + 1));
    }
    return result;
  }
  if (const json::object* object = value.if_object()) {
    json::object result;
    for (const auto& [key, member] : *object) {
      result[safe(std::string_view(key.data(), key.size()), limits)] =
          safe(member, limits, depth + 1);
    }
    return result;
  }
  return value;
}

json::object to_json(const Actor& actor, const EventLimits& limits) {
  json::object result;
  result["kind"] = name_of(actor.kind);
  if (!actor.package.empty()) result["package"] = safe(actor.package, limits);
  if (!actor.version.empty()) result["version"] = safe(actor.version, limits);
  if (!actor.script_event.empty()) result["event"] = safe(actor.script_event, limits);
  return result;
}

json::object to_json(const Process& process, const EventLimits& limits) {
  json::array arguments;
  for (const std::string& argument : process.arguments) {
    arguments.emplace_back(json::string_view(argument.data(), argument.size()));
  }
  json::object result;
  result["pid"] = process.pid;
  result["exe"] = safe(process.exe, limits);
  result["argv"] = safe(json::value(std::move(arguments)), limits);
  result["cwd"] = safe(process.working_directory, limits);
  return result;
}

}  // namespace

EventLog::EventLog(const std::string& run_id, std::vector<base::UniqueFd> files, EventLimits limits)
    : run_id_(base::printable(run_id)), limits_(limits) {
  for (base::UniqueFd& file : files) {
    LogEnd end = end_of_log(file.get(), run_id_);
    if (&file == &files.front()) head_ = std::move(end.head);
    sinks_.push_back(std::make_unique<FileSink>(std::move(file), end.state));
  }
}

EventLog::~EventLog() {
  try {
    if (!finished_) finish();
  } catch (...) {  // out of memory while writing a count: nothing more can be said
  }
}

json::object EventLog::object_for(const Event& event) const {
  json::object line;
  line["time"] = timestamp(event.time);
  line["run"] = run_id_;
  line["seq"] = head_.sequence + 1;
  line["prev_sha256"] = head_.sha256;
  line["type"] = safe(event.type, limits_);
  line["severity"] = name_of(event.severity);
  if (event.actor) line["actor"] = to_json(*event.actor, limits_);
  if (event.process) line["process"] = to_json(*event.process, limits_);
  line["details"] = safe(json::value(event.details), limits_);
  const auto age = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now() - event.time);
  line["act_to_record_us"] = std::max<std::int64_t>(0, age.count());
  return line;
}

std::size_t EventLog::write(const Event& event) {
  json::object object = object_for(event);
  std::string line = base::to_json(object);
  if (line.size() > limits_.line_bytes) {
    object["details"] = json::object{{"cut", line.size()}};
    if (event.process) object["process"].as_object()["argv"] = json::array{"… (cut)"};
    line = base::to_json(object);
  }
  head_ = {head_.sequence + 1, base::sha256_hex(line)};
  line += '\n';
  const Record record{object, line, event.severity};
  for (const auto& sink : sinks_) {
    if (sink->wants(event.severity)) sink->write(record);
  }
  return line.size();
}

EventLog::Tally& EventLog::tally_of(const Event& event) {
  Key key(event.type, event.severity, event.actor ? to_words(*event.actor) : std::string());
  // What is told apart is bounded, too: the rest has one bound together.
  if (tallies_.size() >= limits_.tallies && !tallies_.contains(key)) std::get<2>(key) = "others";
  Tally& tally = tallies_[key];
  if (tally.seen == 0 && std::get<2>(key) != "others") tally.actor = event.actor;
  return tally;
}

bool EventLog::has_room(const Tally& tally, Severity severity) const {
  if (tally.left_out > 0 || tally.seen > limits_.lines || tally.bytes > limits_.bytes) return false;
  return severity == Severity::alert ? alert_bytes_ <= limits_.alert_bytes
                                     : bytes_ <= limits_.all_bytes;
}

void EventLog::record(const Event& event) {
  ++by_severity_[static_cast<std::size_t>(event.severity)];
  const bool is_alert = event.severity == Severity::alert;
  if (is_alert && alerts_.size() < limits_.alerts_kept) alerts_.push_back(event);
  Tally& tally = tally_of(event);
  ++tally.seen;
  if (!has_room(tally, event.severity)) return leave_out(event, tally);
  const std::size_t bytes = write(event);
  tally.bytes += bytes;
  (is_alert ? alert_bytes_ : bytes_) += bytes;
}

void EventLog::leave_out(const Event& event, Tally& tally) {
  const Key key(event.type, event.severity, tally.actor ? to_words(*tally.actor) : std::string());
  ++tally.left_out;
  const bool is_code_of_a_package = tally.actor && (tally.actor->kind == Actor::Kind::script ||
                                                    tally.actor->kind == Actor::Kind::build);
  // A large native build executes many thousand programs, and is refused none.
  const bool is_flood =
      is_code_of_a_package && !tally.is_flood &&
      (event.severity != Severity::info || tally.seen > limits_.flood_factor * limits_.lines);
  if (is_flood) {
    tally.is_flood = true;
    Event flood = left_out_event(key, tally);
    flood.severity = Severity::alert;
    flood.process = event.process;
    if (tell_flood_) return tell_flood_(flood);
    record(flood);
  } else if (tally.left_out == 1) {
    write(left_out_event(key, tally));
  }
}

Event EventLog::left_out_event(const Key& key, Tally& tally) const {
  const auto& [type, severity, who] = key;
  Event event;
  event.type = "limit.reached";
  event.severity = Severity::notice;
  event.actor = tally.actor;
  event.details = {{"limit", "event lines"},
                   {"type", type},
                   {"severity", name_of(severity)},
                   {"value", tally.seen - tally.left_out},
                   {"left_out", tally.left_out}};
  tally.left_out_reported = tally.left_out;
  return event;
}

void EventLog::record_left_out() {
  for (auto& [key, tally] : tallies_) {
    if (tally.left_out > tally.left_out_reported) write(left_out_event(key, tally));
  }
}

std::uint64_t EventLog::left_out() const {
  std::uint64_t sum = 0;
  for (const auto& [key, tally] : tallies_) sum += tally.left_out;
  return sum;
}

std::uint64_t EventLog::count(std::string_view type) const {
  std::uint64_t sum = 0;
  for (const auto& [key, tally] : tallies_) {
    if (std::get<0>(key) == type) sum += tally.seen;
  }
  return sum;
}

std::uint64_t EventLog::count(Severity severity) const {
  return by_severity_[static_cast<std::size_t>(severity)];
}

void EventLog::finish() {
  finished_ = true;
  record_left_out();
  for (const auto& sink : sinks_) sink->close();
  for (const auto& sink : sinks_) sink->finish();
}

std::vector<std::string> EventLog::failures() const {
  std::vector<std::string> failures;
  for (const auto& sink : sinks_) {
    if (auto failure = sink->failure()) failures.push_back(*std::move(failure));
  }
  return failures;
}

}  // namespace sandbox_run::events
