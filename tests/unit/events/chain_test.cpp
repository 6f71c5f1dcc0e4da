#include "events/chain.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/digest.h"
#include "base/io.h"
#include "base/text.h"
#include "events/event_log.h"

namespace sandbox_run::events {
namespace {

using LineEnd = ChainCheck::LineEnd;

/// The lines of a run with `count` events and run.finished, without newlines.
std::vector<std::string> lines_of_run(const std::string& run, int count) {
  const base::UniqueFd file(::memfd_create("events", MFD_CLOEXEC));
  std::vector<base::UniqueFd> files;
  files.push_back(base::duplicate(file.get()));
  EventLog log(run, std::move(files));
  for (int i = 0; i < count; ++i) log.record({.type = "name.lookup", .details = {{"n", i}}});
  log.record({.type = "run.finished"});
  ::lseek(file.get(), 0, SEEK_SET);
  std::vector<std::string> lines =
      base::split(base::read_all(file.get(), 1U << 20, "reading"), '\n');
  lines.pop_back();
  return lines;
}

ChainCheck checked(const std::vector<std::string>& lines) {
  ChainCheck check;
  for (const std::string& line : lines) check.add(line, LineEnd::newline);
  return check;
}

std::string problem_of(const std::vector<std::string>& lines) {
  const ChainCheck check = checked(lines);
  return check.problem() ? std::to_string(check.problem()->line) + ": " + check.problem()->words
                         : "none";
}

TEST_CASE("a log as it was written is whole, and its last digest is the log's own") {
  const auto lines = lines_of_run("r", 3);
  const ChainCheck check = checked(lines);
  CHECK_FALSE(check.problem());
  CHECK(check.runs().at("r").finished);
  CHECK(check.runs().at("r").head == ChainLink{4, base::sha256_hex(lines.back())});
}

TEST_CASE("a line that was changed, removed, inserted or moved shows at the next one") {
  const auto whole = lines_of_run("r", 4);
  auto lines = whole;
  lines[1] = base::replace_all(lines[1], "\"n\":1", "\"n\":7");
  CHECK(problem_of(lines) == "3: the line before it is not the one that was written as number 2");
  lines = whole;
  lines.erase(lines.begin() + 2);
  CHECK(problem_of(lines) == "3: number 4 follows number 2");
  lines = whole;
  lines.erase(lines.begin());
  CHECK(problem_of(lines) == "1: the log begins with number 2: what was before it is missing");
  lines = whole;
  lines.insert(lines.begin() + 2, lines[1]);
  CHECK(problem_of(lines) == "3: number 2 follows number 2");
  lines = whole;
  std::swap(lines[1], lines[2]);
  CHECK(problem_of(lines) == "2: number 3 follows number 1");
  lines = whole;
  lines.insert(lines.begin() + 2, "somebody's own line");
  CHECK(problem_of(lines) == "3: this line is no event");
  lines = whole;
  lines[0] = base::replace_all(lines[0], std::string(kNoDigest), std::string(64, '1'));
  CHECK(problem_of(lines) == "1: the line before it is not the one that was written as number 0");
}

TEST_CASE("a log cut off at its end lacks run.finished, or what was kept of its end") {
  auto lines = lines_of_run("r", 3);
  const ChainLink head{4, base::sha256_hex(lines.back())};
  lines.pop_back();
  ChainCheck check(head);
  for (const std::string& line : lines) check.add(line, LineEnd::newline);
  CHECK_FALSE(check.problem());
  CHECK_FALSE(check.runs().at("r").finished);
  CHECK_FALSE(check.runs().at("r").holds_expected);
}

TEST_CASE("a last line torn by a crash is no change") {
  const auto lines = lines_of_run("r", 2);
  ChainCheck check;
  check.add(lines[0], LineEnd::newline);
  check.add(lines[1].substr(0, 40), LineEnd::end_of_file);
  CHECK_FALSE(check.problem());
  CHECK(check.torn());
}

TEST_CASE("the runs of one file have a chain each, whatever their order") {
  const auto one = lines_of_run("one", 2);
  const auto two = lines_of_run("two", 2);
  CHECK(problem_of({one[0], two[0], two[1], one[1], two[2], one[2]}) == "none");
  CHECK(problem_of({one[0], two[0], two[2], one[1]}) == "3: number 3 follows number 1");
}

TEST_CASE("a log that is appended to goes on with its numbers and its chain, also after a tear") {
  const auto lines = lines_of_run("r", 2);
  for (const bool torn : {false, true}) {
    CAPTURE(torn);
    const base::UniqueFd file(::memfd_create("events", MFD_CLOEXEC));
    for (const std::string& line : lines) base::write_full(file.get(), line + "\n", "writing");
    if (torn) base::write_full(file.get(), lines[0].substr(0, 50), "writing");
    {
      std::vector<base::UniqueFd> files;
      files.push_back(base::duplicate(file.get()));
      EventLog log("r", std::move(files));
      log.record({.type = "held.committed"});
      log.record({.type = "held.committed"});
      CHECK(log.head().sequence == (torn ? 6 : 5));
    }
    ::lseek(file.get(), 0, SEEK_SET);
    auto all = base::split(base::read_all(file.get(), 1U << 20, "reading"), '\n');
    all.pop_back();
    CHECK(all.size() == (torn ? 6 : 5));
    CHECK(problem_of(all) == "none");
  }
}

TEST_CASE("a file with another run's lines starts a chain of its own") {
  const base::UniqueFd file(::memfd_create("events", MFD_CLOEXEC));
  base::write_full(file.get(), lines_of_run("other", 1)[0] + "\n", "writing");
  CHECK(end_of_log(file.get(), "r").head == ChainLink{});
  CHECK(end_of_log(-1, "r").head == ChainLink{});
}

TEST_CASE("what is kept of a log's end is read back, and nothing else is believed") {
  const ChainLink link{17, std::string(64, 'a')};
  CHECK(parse_link(to_json_line(link)) == link);
  for (const char* text : {"", "{}", "[]", R"({"seq":-1,"sha256":"a"})", R"({"seq":1})"}) {
    CHECK_FALSE(parse_link(text));
  }
}

TEST_CASE("any bytes can be checked") {
  ChainCheck check;
  for (const char* line : {"", "\xff\xfe", "{\"run\":1}", "[[[[[[", "{\"seq\":1e99}"}) {
    check.add(line, LineEnd::newline);
  }
  CHECK(check.problem());
}

}  // namespace
}  // namespace sandbox_run::events
