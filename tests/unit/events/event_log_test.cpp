#include "events/event_log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/io.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace sandbox_run::events {
namespace {

/// A log into a memory file, read back line by line.
class LogInMemory {
 public:
  explicit LogInMemory(EventLimits limits = {})
      : file_(::memfd_create("events", MFD_CLOEXEC)), log_(make(limits)) {}

  EventLog& log() { return *log_; }
  void close() { log_.reset(); }
  std::vector<base::json::value> lines() const {
    ::lseek(file_.get(), 0, SEEK_SET);
    const std::string text = base::read_all(file_.get(), 64U << 20, "reading events");
    std::vector<base::json::value> parsed;
    for (const std::string& line : base::split(text, '\n')) {
      if (line.empty()) continue;
      const auto value = base::parse_json(line);
      REQUIRE(value.has_value());
      parsed.push_back(*value);
    }
    return parsed;
  }
  std::string text() const {
    ::lseek(file_.get(), 0, SEEK_SET);
    return base::read_all(file_.get(), 64U << 20, "reading events");
  }

 private:
  std::unique_ptr<EventLog> make(EventLimits limits) const {
    std::vector<base::UniqueFd> sinks;
    sinks.push_back(base::duplicate(file_.get()));
    return std::make_unique<EventLog>("run-1", std::move(sinks), limits);
  }

  base::UniqueFd file_;
  std::unique_ptr<EventLog> log_;
};

Event event(std::string type, Severity severity = Severity::info) {
  Event result;
  result.type = std::move(type);
  result.severity = severity;
  return result;
}

std::string text_of(const base::json::value& value, const char* key) {
  return std::string(value.as_object().at(key).as_string().c_str());
}

TEST_CASE("an event is one line with time, run, sequence, actor, process and details") {
  LogInMemory memory;
  Event first = event("process.exec", Severity::notice);
  first.actor = Actor{Actor::Kind::script, "esbuild", "0.25.0", "postinstall"};
  first.process = Process{42, "/usr/bin/node", {"node", "install.js"}, "/p/node_modules/esbuild"};
  first.details = {{"result", "started"}, {"count", 3}};
  memory.log().record(first);
  memory.log().record(event("run.finished"));

  const auto lines = memory.lines();
  REQUIRE(lines.size() == 2);
  const auto& line = lines[0].as_object();
  CHECK(text_of(lines[0], "run") == "run-1");
  CHECK(text_of(lines[0], "type") == "process.exec");
  CHECK(text_of(lines[0], "severity") == "notice");
  CHECK(line.at("seq").to_number<int>() == 1);
  CHECK(lines[1].as_object().at("seq").to_number<int>() == 2);
  CHECK(line.at("act_to_record_us").to_number<std::int64_t>() >= 0);
  const std::string time = text_of(lines[0], "time");
  CHECK(time.size() == std::string("2024-05-01T12:00:00.000001Z").size());
  CHECK(time.back() == 'Z');
  CHECK(time[10] == 'T');
  CHECK(base::to_json(line.at("actor")) ==
        R"({"kind":"script","package":"esbuild","version":"0.25.0","event":"postinstall"})");
  CHECK(
      base::to_json(line.at("process")) ==
      R"({"pid":42,"exe":"/usr/bin/node","argv":["node","install.js"],"cwd":"/p/node_modules/esbuild"})");
  CHECK(base::to_json(line.at("details")) == R"({"result":"started","count":3})");
}

TEST_CASE("an event without an actor or a process says neither") {
  LogInMemory memory;
  memory.log().record(event("run.started"));
  const auto lines = memory.lines();
  CHECK_FALSE(lines[0].as_object().contains("actor"));
  CHECK_FALSE(lines[0].as_object().contains("process"));
}

TEST_CASE("the time of the act is the record's time, and the delay is told") {
  LogInMemory memory;
  Event late = event("flow.opened");
  late.time = std::chrono::system_clock::time_point(std::chrono::microseconds(1'000'001));
  memory.log().record(late);
  late.time = std::chrono::system_clock::now() + std::chrono::hours(1);  // the clock was set back
  memory.log().record(late);
  const auto lines = memory.lines();
  CHECK(text_of(lines[0], "time") == "1970-01-01T00:00:01.000001Z");
  CHECK(lines[0].as_object().at("act_to_record_us").to_number<std::int64_t>() > 0);
  CHECK(lines[1].as_object().at("act_to_record_us").to_number<std::int64_t>() == 0);
}

TEST_CASE("no byte a package chose can break a line, a terminal or UTF-8") {
  LogInMemory memory;
  Event hostile = event("change.held");
  hostile.actor = Actor{Actor::Kind::script, "a\nb", "\x1b[2J", "\xff"};
  hostile.process = Process{1, "\r\n{}", {"\x1b]0;x\a", "\xc3\x28"}, "/\xe2\x80\xae"};
  hostile.details = {{"path", "x\"\n\x01"}, {"list", {"\x7f", {{"deep\n", "\x9b"}}}}};
  memory.log().record(hostile);
  const std::string text = memory.text();
  REQUIRE(!text.empty());
  CHECK(text.find('\n') == text.size() - 1);
  for (const char c : text.substr(0, text.size() - 1)) {
    CHECK(static_cast<unsigned char>(c) >= 0x20);
    CHECK(static_cast<unsigned char>(c) < 0x80);
  }
  const auto lines = memory.lines();
  CHECK(text_of(lines[0].as_object().at("actor"), "package") == "a\\nb");
  CHECK(text_of(lines[0].as_object().at("details"), "path") == "x\"\\n\\x01");
}

TEST_CASE("a long string and a long list are cut where one can see it") {
  EventLimits limits;
  limits.string_bytes = 8;
  limits.list_entries = 2;
  LogInMemory memory(limits);
  Event big = event("process.exec");
  big.details = {{"text", "aaaaaaa\xc3\xa4zzz"}, {"list", {"1", "2", "3"}}};
  memory.log().record(big);
  const auto details = memory.lines()[0].as_object().at("details");
  CHECK(text_of(details, "text") == "aaaaaaa… (cut: 12 bytes)");
  CHECK(base::to_json(details.as_object().at("list")) == R"x(["1","2","… (cut: 3 entries)"])x");
}

TEST_CASE("a line that is too long keeps who and what, and loses its details") {
  EventLimits limits;
  limits.line_bytes = 1024;
  LogInMemory memory(limits);
  Event big = event("process.exec");
  big.actor = Actor{Actor::Kind::script, "p", "1", "install"};
  big.process = Process{7, "/bin/sh", std::vector<std::string>(60, std::string(100, 'x')), "/"};
  memory.log().record(big);
  const auto line = memory.lines()[0];
  CHECK(text_of(line.as_object().at("process"), "exe") == "/bin/sh");
  CHECK(base::to_json(line.as_object().at("process").as_object().at("argv")) == R"x(["… (cut)"])x");
  CHECK(memory.text().size() < 1024);
}

TEST_CASE("a flood of one type is cut with a count and hides no other type and no alert") {
  EventLimits limits;
  limits.lines = 10;
  LogInMemory memory(limits);
  for (int i = 0; i < 1000; ++i) memory.log().record(event("name.lookup", Severity::notice));
  memory.log().record(event("name.lookup", Severity::alert));
  memory.log().record(event("script.started"));
  memory.log().record_left_out();
  memory.log().record(event("run.finished"));
  memory.close();  // nothing new to tell: no further line

  const auto lines = memory.lines();
  REQUIRE(lines.size() == 10 + 1 + 1 + 1 + 1 + 1);
  CHECK(text_of(lines[10], "type") == "limit.reached");
  CHECK(
      base::to_json(lines[10].as_object().at("details")) ==
      R"({"limit":"event lines","type":"name.lookup","severity":"notice","value":10,"left_out":1})");
  CHECK(text_of(lines[11], "severity") == "alert");
  CHECK(text_of(lines[12], "type") == "script.started");
  CHECK(lines[13].as_object().at("details").as_object().at("left_out").to_number<int>() == 990);
  CHECK(text_of(lines[14], "type") == "run.finished");
}

TEST_CASE("a flood of one actor hides nothing of another, and what was refused to it is an alert") {
  EventLimits limits;
  limits.lines = 10;
  LogInMemory memory(limits);
  const auto of = [](const char* package, const char* type, Severity severity) {
    Event made = event(type, severity);
    made.actor = Actor{Actor::Kind::script, package, "1", "install"};
    return made;
  };
  for (int i = 0; i < 12; ++i) memory.log().record(of("evil", "flow.denied", Severity::notice));
  memory.log().record(of("other", "flow.denied", Severity::notice));
  for (int i = 0; i < 100; ++i) memory.log().record(of("evil", "process.exec", Severity::info));
  CHECK(memory.log().count(Severity::alert) == 1);
  memory.log().record(of("evil", "process.exec", Severity::info));
  CHECK(memory.log().count(Severity::alert) == 2);
  CHECK(memory.log().left_out() == 2 + 91);
  const auto lines = memory.lines();
  CHECK(text_of(lines[10], "type") == "limit.reached");
  CHECK(text_of(lines[10], "severity") == "alert");
  CHECK(text_of(lines[10].as_object().at("actor"), "package") == "evil");
  CHECK(text_of(lines[11].as_object().at("actor"), "package") == "other");
}

TEST_CASE("all that is no alert together is bounded, and leaves room for alerts") {
  EventLimits limits;
  limits.all_bytes = 1000;
  LogInMemory memory(limits);
  for (int i = 0; i < 100; ++i) memory.log().record(event("t" + std::to_string(i)));
  memory.log().record(event("decoy.opened", Severity::alert));
  const auto lines = memory.lines();
  CHECK(text_of(lines.back(), "type") == "decoy.opened");
}

TEST_CASE("what was left out is told when the log ends, even if nobody asked") {
  EventLimits limits;
  limits.bytes = 1000;
  LogInMemory memory(limits);
  for (int i = 0; i < 100; ++i) memory.log().record(event("flow.denied"));
  memory.close();
  const auto lines = memory.lines();
  CHECK(lines.size() < 20);
  CHECK(text_of(lines.back(), "type") == "limit.reached");
  CHECK(memory.text().size() < 3000);
}

TEST_CASE("the log counts by type and severity and keeps the first alerts") {
  EventLimits limits;
  limits.lines = 2;
  limits.alerts_kept = 3;
  LogInMemory memory(limits);
  for (int i = 0; i < 5; ++i) memory.log().record(event("change.protected", Severity::alert));
  memory.log().record(event("name.lookup", Severity::notice));
  CHECK(memory.log().count("change.protected") == 5);
  CHECK(memory.log().count("name.lookup") == 1);
  CHECK(memory.log().count("no.such") == 0);
  CHECK(memory.log().count(Severity::alert) == 5);
  CHECK(memory.log().count(Severity::info) == 0);
  CHECK(memory.log().alerts().size() == 3);
}

TEST_CASE("a failing sink is remembered once and the others go on") {
  const base::UniqueFd good(::memfd_create("events", MFD_CLOEXEC));
  std::vector<base::UniqueFd> sinks;
  sinks.emplace_back(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  sinks.push_back(base::duplicate(good.get()));
  EventLog log("run", std::move(sinks));
  CHECK(log.failures().empty());
  log.record(event("run.started"));
  log.record(event("run.finished"));
  REQUIRE(log.failures().size() == 1);
  CHECK(log.failures().front() == "writing events: No space left on device");
  ::lseek(good.get(), 0, SEEK_SET);
  const std::string text = base::read_all(good.get(), 1U << 20, "reading events");
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("an actor in words names package, version and event") {
  using Kind = Actor::Kind;
  CHECK(to_words({Kind::package_manager, "", "", ""}) == "package manager");
  CHECK(to_words({Kind::script, "esbuild", "0.25.0", "postinstall"}) ==
        "esbuild@0.25.0 postinstall");
  CHECK(to_words({Kind::build, "numpy", "2.0", ""}) == "build of numpy@2.0");
  CHECK(to_words({Kind::project_script, "app", "1", "build"}) == "the project's own build script");
  CHECK(to_words({Kind::project_script, "", "", ""}) == "the project's own command");
  CHECK(to_words({Kind::unknown, "", "", ""}) == "unknown process");
  CHECK(to_words({Kind::script, "a\x1b[2J", "", ""}) == "a\\x1b[2J");
}

TEST_CASE("a kind's name reads back as the kind") {
  using Kind = Actor::Kind;
  for (const Kind kind :
       {Kind::package_manager, Kind::script, Kind::build, Kind::project_script, Kind::unknown}) {
    CHECK(kind_named(name_of(kind)) == kind);
  }
  CHECK(kind_named("jester") == Kind::unknown);
}

}  // namespace
}  // namespace sandbox_run::events
