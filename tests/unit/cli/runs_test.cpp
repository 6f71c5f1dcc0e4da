#include <doctest/doctest.h>

#include "base/json.h"
#include "cli/run_facts.h"
#include "cli/runs_view.h"
#include "cli/state.h"

namespace sandbox_run::cli {
namespace {

constexpr const char* kStarted =
    R"({"type":"run.started","details":{"command":["npm","ci"],"directory":"/p"}})"
    "\n";

std::string finished(const std::string& details) {
  return R"({"type":"run.finished","details":{)" + details + "}}\n";
}

RunLog read(const std::string& log) { return read_run_log(log, log); }

TEST_CASE("a log's edges tell the command and the end") {
  const std::string end = finished(R"("exit_code":0,"outcome":"held","committed":7)");
  const RunLog log = read_run_log(kStarted, "cut in the middle\"}\n" + end);
  CHECK(log.started);
  CHECK(log.finished);
  CHECK(log.command == std::vector<std::string>{"npm", "ci"});
  CHECK(log.outcome == RunOutcome::held);
  CHECK(log.committed == 7);
}

TEST_CASE("a damaged or forged log is no run's end") {
  CHECK_FALSE(read("{\"type\":\"run.finished\"").finished);
  CHECK_FALSE(read("{\"type\":\"run.finished\"}\n").finished);
  CHECK_FALSE(read("[\"run.finished\"]\n").finished);
  CHECK(read(finished(R"("exit_code":1)")).outcome == RunOutcome::failed);
  CHECK(read(finished(R"("exit_code":0,"outcome":"?")")).outcome == RunOutcome::committed);
}

TEST_CASE("the state of a run") {
  const auto state = [](const std::string& log, std::uint64_t held = 0, bool unfinished = false,
                        Use use = Use::free) { return state_of(read(log), held, unfinished, use); };
  const std::string start = kStarted;
  const std::string held = finished(R"("exit_code":0,"outcome":"held","committed":0)");
  CHECK(state(start, 0, false, Use::in_use) == RunState::running);
  CHECK(state(start) == RunState::interrupted);
  CHECK(state(start + held, 2) == RunState::held);
  CHECK(state(start + held, 2, true) == RunState::interrupted);
  CHECK(state(start + held + R"({"type":"held.discarded","details":{}})" + "\n") ==
        RunState::discarded);
  CHECK(state(start + held + R"({"type":"held.committed","details":{}})" + "\n" +
              R"({"type":"held.discarded","details":{}})" + "\n") == RunState::committed);
  CHECK(state(start + finished(R"("exit_code":1,"outcome":"failed")")) == RunState::failed);
  CHECK(state(start + finished(R"("exit_code":0,"outcome":"discarded")")) == RunState::discarded);
  CHECK(state(finished(R"("exit_code":125,"outcome":"failed")")) == RunState::failed);
  CHECK(state("") == RunState::interrupted);
  CHECK(state("no log at all\n") == RunState::unknown);
}

TEST_CASE("a run's id tells when it began; nothing else is an id") {
  const auto start = start_of("20260601T120000.123-4711");
  REQUIRE(start);
  CHECK(std::chrono::system_clock::to_time_t(*start) == 1'780'315'200);
  for (const char* other :
       {"", "last", "20260601T120000.123-", "20260601T120000.123-x", "20260601T120000,123-1",
        "20260601T120000.123-1/..", "20260601T120000.123-12345678901"}) {
    CHECK_FALSE(start_of(other));
  }
}

TEST_CASE("ages") {
  using namespace std::chrono_literals;
  CHECK(age_words(3s) == "1 min");
  CHECK(age_words(59min) == "59 min");
  CHECK(age_words(3h) == "3 h");
  CHECK(age_words(72h) == "3 days");
}

TEST_CASE("runs are a line each, with no control character, and the same in JSON") {
  RunFacts run;
  run.id = "20260601T120000.123-4711";
  run.state = RunState::held;
  run.held = 2;
  run.bytes = 57344;
  run.log = read(kStarted);
  run.log.command.emplace_back("x\x1b[2J\n");
  const auto now = *start_of(run.id) + std::chrono::hours(2);
  const std::string text = runs_text({run}, now);
  CHECK(text.find("20260601T120000.123-4711  held") != std::string::npos);
  CHECK(text.find("57 KB") != std::string::npos);
  CHECK(text.find("npm ci 'x\\x1b[2J\\n'") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  const auto parsed = base::parse_json(runs_json({run}));
  REQUIRE(parsed);
  const auto& first = parsed->at("runs").at(0);
  CHECK(base::string_member(first, "state") == "held");
  CHECK(first.at("held_count").to_number<int>() == 2);
}

}  // namespace
}  // namespace sandbox_run::cli
