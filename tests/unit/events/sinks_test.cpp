#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "base/io.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "events/event_log.h"
#include "events/sink_address.h"
#include "events/sinks/log_socket.h"
#include "events/sinks/otlp.h"
#include "events/sinks/otlp_transport.h"
#include "events/sinks/sender.h"
#include "events/sinks/syslog.h"
#include "events/sinks/words_sink.h"

namespace sandbox_run::events {
namespace {

namespace json = base::json;
using Kind = SinkAddress::Kind;

const std::string kLine =
    R"({"time":"2024-05-01T12:00:00.000001Z","run":"r]\"1","seq":7,"prev_sha256":"00","type":"decoy.opened","severity":"alert","actor":{"kind":"script","package":"evil","version":"1.0.0","event":"postinstall"},"process":{"pid":42,"exe":"/bin/cat","argv":["cat","x"],"cwd":"/p"},"details":{"path":"/h/.aws/credentials"},"act_to_record_us":300})";

json::object event_of(const std::string& line) { return base::parse_json(line)->get_object(); }

TEST_CASE("where events go is read as it is typed") {
  CHECK(parse_sink("log.jsonl").kind == Kind::file);
  CHECK(parse_sink("events").kind == Kind::file);
  CHECK(parse_sink("fd:3").where == "fd:3");
  CHECK(parse_sink("./syslog").kind == Kind::file);
  CHECK(parse_sink("stderr").where == "fd:2");
  CHECK(parse_sink("stderr,level=notice").least == Severity::notice);
  CHECK(parse_sink("words:/tmp/x").where == "/tmp/x");
  CHECK(parse_sink("syslog").where.empty());
  CHECK(parse_sink("syslog:udp://h:514,level=alert").where == "udp://h:514");
  CHECK(parse_sink("journald:/run/x").kind == Kind::journald);
  CHECK(parse_sink("otlp:https://h:4318/x").where == "https://h:4318/x");
}

TEST_CASE("an unknown place for events is named, with the nearest") {
  const std::pair<const char*, const char*> kWrong[] = {
      {"sylog", "did you mean syslog?"},
      {"kafka:x", "known are"},
      {"", "name a file"},
      {"syslog:ftp://x", "syslog:/SOCKET"},
      {"otlp:h:4318", "otlp:http://"},
      {"otlp:http://u:p@h", "OTEL_EXPORTER_OTLP_HEADERS"},
      {"words", "words:FILE"},
      {"syslog:", "comes a place"},
      {"stderr,level=loud", "the level"},
      {"journald:x", "journald:/SOCKET"},
      {"stderr:x", "words:FILE"}};
  for (const auto& [text, part] : kWrong) {
    CAPTURE(text);
    std::string message;
    try {
      parse_sink(text);
    } catch (const base::UserError& error) {
      message = error.what();
    }
    CHECK(message.find(part) != std::string::npos);
  }
}

TEST_CASE("an event in words is one line that says who and what") {
  CHECK(line_in_words(event_of(kLine)) ==
        "2024-05-01T12:00:00.000001Z alert evil@1.0.0 postinstall: opened the decoy "
        "/h/.aws/credentials");
}

TEST_CASE("a syslog message is RFC 5424's") {
  const std::string message = syslog_message(event_of(kLine), kLine, {"my host", 9});
  CHECK(
      message ==
      R"x(<9>1 2024-05-01T12:00:00.000001Z my_host sandbox-run 9 decoy.opened )x"
      R"x([sandbox-run@32473 run="r\]\"1" seq="7" severity="alert" actor="evil@1.0.0 postinstall"] )x" +
          kLine);
}

TEST_CASE("on the machine's own socket a message is as syslog(3) has it") {
  const std::string message = local_syslog_message(event_of(kLine), kLine, {"host", 9});
  CHECK(message.starts_with("<9>"));
  CHECK(message.substr(18) == " sandbox-run[9]: " + kLine);
}

TEST_CASE("a syslog message that is too long loses the event's details") {
  json::object event = event_of(kLine);
  event["details"] = json::object{{"path", std::string(20'000, 'x')}};
  const std::string message = syslog_message(event, base::to_json(event), {});
  CHECK(message.size() < 8192);
  CHECK(message.find("\"details\":{\"cut\":") != std::string::npos);
}

TEST_CASE("a message for the journal has a field on each line") {
  const std::string message = journal_message(event_of(kLine), kLine);
  CHECK(message.starts_with(
      "MESSAGE=evil@1.0.0 postinstall: opened the decoy /h/.aws/credentials\nPRIORITY=1\n"));
  CHECK(message.ends_with("SANDBOX_RUN_EVENT=" + kLine + "\n"));
  for (const std::string& line : base::split(message.substr(0, message.size() - 1), '\n')) {
    CHECK(line.find('=') != std::string::npos);
  }
}

TEST_CASE("a log daemon's address has a host and a port") {
  CHECK(split_address("udp://h", "514").port == "514");
  CHECK(split_address("tcp://[::1]:6514", "601").host == "::1");
  CHECK(split_address("tcp://[::1]:6514", "601").port == "6514");
  CHECK(split_address("tcp://[::1]", "601").port == "601");
}

TEST_CASE("the collector is found as OpenTelemetry's variables say") {
  std::map<std::string, std::string> variables;
  const Environment environment = [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  CHECK(otlp_settings("", environment).url == "http://localhost:4318/v1/logs");
  variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = "https://c:1/base/";
  CHECK(otlp_settings("", environment).url == "https://c:1/base/v1/logs");
  variables["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] = "http://c:2/as/it/is";
  CHECK(otlp_settings("", environment).url == "http://c:2/as/it/is");
  CHECK(otlp_settings("http://d:3", environment).url == "http://d:3/v1/logs");
  CHECK(otlp_settings("http://d:3/v1/logs", environment).url == "http://d:3/v1/logs");
  variables["OTEL_EXPORTER_OTLP_HEADERS"] = "api-key=a%20b, x=1";
  const OtlpSettings settings = otlp_settings("", environment);
  REQUIRE(settings.headers.size() == 2);
  CHECK(settings.headers[0] == std::pair<std::string, std::string>("api-key", "a b"));
  variables["OTEL_EXPORTER_OTLP_HEADERS"] = "x=a%0d%0aEvil: 1";
  CHECK_THROWS_AS(otlp_settings("", environment), base::UserError);
  variables.erase("OTEL_EXPORTER_OTLP_HEADERS");
  variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
  CHECK_THROWS_AS(otlp_settings("", environment), base::UserError);
}

TEST_CASE("a log record has OTLP's members") {
  const std::vector<std::string> lines{kLine, "no event"};
  const auto request = base::parse_json(otlp_request(lines, {}));
  const json::object& scope = request->at("resourceLogs").at(0).at("scopeLogs").at(0).as_object();
  REQUIRE(scope.at("logRecords").as_array().size() == 1);
  const json::object& record = scope.at("logRecords").at(0).as_object();
  CHECK(record.at("timeUnixNano").as_string() == "1714564800000001000");
  CHECK(record.at("observedTimeUnixNano").as_string() == "1714564800000301000");
  CHECK(record.at("severityNumber").as_int64() == 19);
  CHECK(record.at("eventName").as_string() == "decoy.opened");
  const std::string attributes = base::to_json(record.at("attributes"));
  CHECK(attributes.find(R"({"key":"process.pid","value":{"intValue":"42"}})") != std::string::npos);
  CHECK(attributes.find(R"({"key":"sandbox_run.actor.package","value":{"stringValue":"evil"}})") !=
        std::string::npos);
}

TEST_CASE("a collector's answer is settled, to be tried again, or final") {
  using Outcome = Delivery::Outcome;
  CHECK(judge_answer({200, "{}", "", false}, 5).sent == 5);
  CHECK(judge_answer({204, "", "", false}, 5).sent == 5);
  const Delivery partial =
      judge_answer({200, R"({"partialSuccess":{"rejectedLogRecords":"2"}})", "", false}, 5);
  CHECK(partial.sent == 3);
  CHECK(partial.rejected == 2);
  CHECK(judge_answer({503, "", "", false}, 5).outcome == Outcome::try_later);
  CHECK(judge_answer({429, "", "", false}, 5).outcome == Outcome::try_later);
  CHECK(judge_answer({0, "", "refused", true}, 5).timed_out);
  CHECK(judge_answer({400, "", "", false}, 5).rejected == 5);
  CHECK(judge_answer({200, "\xff", "", false}, 5).sent == 5);
}

/// Takes lines, or fails, as the test says.
class FakeTransport : public Transport {
 public:
  enum class Behaviour { takes, is_down, hangs };
  explicit FakeTransport(Behaviour behaviour) : behaviour_(behaviour) {}
  Delivery deliver(std::span<const std::string> lines, Deadline) override {
    if (behaviour_ == Behaviour::takes)
      return {Delivery::Outcome::done, lines.size(), 0, "", false};
    if (behaviour_ == Behaviour::hangs) ::pause();
    return {Delivery::Outcome::try_later, 0, 0, "nobody\nthere", false};
  }

 private:
  Behaviour behaviour_;
};

std::optional<std::string> failure_of(FakeTransport::Behaviour behaviour, int events) {
  EventLog log("r", std::vector<base::UniqueFd>{});
  SenderLimits limits;
  limits.end = behaviour == FakeTransport::Behaviour::hangs ? std::chrono::milliseconds(50)
                                                            : std::chrono::milliseconds(20'000);
  log.add_sink(std::make_unique<SenderSink>(
      "there", [&] { return std::make_unique<FakeTransport>(behaviour); }, Severity::info, limits));
  for (int i = 0; i < events; ++i) log.record({.type = "name.lookup"});
  log.finish();
  return log.failures().empty() ? std::nullopt : std::optional(log.failures().front());
}

TEST_CASE("a receiver that is there gets every event") {
  CHECK(failure_of(FakeTransport::Behaviour::takes, 3000) == std::nullopt);
  CHECK(failure_of(FakeTransport::Behaviour::takes, 0) == std::nullopt);
}

TEST_CASE("a receiver that is down or hangs costs nothing but its events, which are counted") {
  CHECK(failure_of(FakeTransport::Behaviour::is_down, 3) ==
        "there: 3 of 3 events could not be sent (nobody\\nthere); they are in the log");
  CHECK(failure_of(FakeTransport::Behaviour::hangs, 2) ==
        "there: 2 of 2 events could not be sent (it did not answer in time); they are in the log");
}

TEST_CASE("a sink gets no event below its level") {
  const base::Pipe pipe = base::make_pipe();
  EventLog log("r", std::vector<base::UniqueFd>{});
  log.add_sink(std::make_unique<WordsSink>(base::duplicate(pipe.write_end.get()), Severity::alert));
  log.record({.type = "a.b", .severity = Severity::notice});
  log.record({.type = "c.d\x1b[2J", .severity = Severity::alert});
  char bytes[500] = {};
  CHECK(::read(pipe.read_end.get(), bytes, sizeof bytes - 1) > 0);
  const std::string text = bytes;
  CHECK(text.find("a.b") == std::string::npos);
  CHECK(text.find("alert sandbox-run: c.d\\x1b[2J\n") != std::string::npos);
}

}  // namespace
}  // namespace sandbox_run::events
