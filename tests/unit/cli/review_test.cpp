#include <doctest/doctest.h>

#include <sstream>

#include "cli/review/compare.h"
#include "cli/review/describe.h"
#include "cli/review/style.h"
#include "cli/review/suspects.h"
#include "cli/take_over.h"

namespace sandbox_run::cli {
namespace {

using workspace::ChangeKind;
using workspace::HeldChange;
using workspace::HeldSide;

HeldSide side(char type, std::uint64_t size = 0, std::uint32_t mode = 0644,
              const std::string& link = "") {
  return {true, type, mode, size, 0, link};
}

HeldChange change(ChangeKind kind, char type, std::uint32_t mode = 0644) {
  return {"/p", {"x", kind, type, mode, 0}, policy::Verdict::hold, "reason"};
}

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNoon = 1'780'315'200 * kSecond;  // 2026-06-01T12:00:00Z

std::string event(const std::string& time, const std::string& type, const std::string& package,
                  const std::string& rest) {
  return R"({"time":"2026-06-01T)" + time + R"(Z","type":")" + type +
         R"(","actor":{"kind":"script","package":")" + package +
         R"(","version":"1.0.0","event":"postinstall"},)" + rest + "}\n";
}

std::string exec(const std::string& time, const std::string& package, const std::string& command) {
  return event(time, "process.exec", package,
               R"("process":{"argv":["sh","-c",")" + command + R"("]},"details":{})");
}

std::string started(const std::string& time, const std::string& package) {
  return event(time, "script.started", package, R"("details":{})");
}

std::string finished(const std::string& time, const std::string& package,
                     const std::string& details) {
  return event(time, "script.finished", package, R"("details":)" + details);
}

Suspects suspects(const std::string& log) {
  std::istringstream stream(log);
  return Suspects(stream);
}

TEST_CASE("what changed is said in few words") {
  CHECK(what_changed(change(ChangeKind::added, 'f', 0755), {}, side('f', 80)) ==
        "new file, 80 bytes, mode 755");
  CHECK(what_changed(change(ChangeKind::changed, 'f'), side('f', 213), side('f', 260)) ==
        "213 bytes → 260 bytes");
  CHECK(what_changed(change(ChangeKind::changed, 'f'), side('f', 5, 0600), side('f', 5, 0644)) ==
        "5 bytes, mode 600 → 644");
  CHECK(what_changed(change(ChangeKind::added, 'l'), {}, side('l', 3, 0777, "a\x1b")) ==
        "new link to a\\x1b");
  CHECK(what_changed(change(ChangeKind::replaced, 'l'), side('d'), side('l', 1, 0777, "/etc")) ==
        "link to /etc instead of a directory");
  CHECK(what_changed(change(ChangeKind::removed, 'f'), side('f', 1500), {}) ==
        "file removed, it has 1.5 KB");
}

TEST_CASE("text is told from other content, which is named by its first bytes") {
  CHECK(is_text(""));
  CHECK(is_text("a\tb\r\n"));
  CHECK(is_text("\x1b[2J"));  // shown as \x1b
  CHECK_FALSE(is_text(std::string_view("a\0b", 3)));
  CHECK_FALSE(is_text("\x01\x02\x03\x04"));
  CHECK(kind_of("\x7f"
                "ELF\x02") == "ELF program or library");
  CHECK(kind_of("\x1f\x8b\x08") == "gzip archive");
  CHECK(kind_of("?") == "data");
}

TEST_CASE("sizes are rounded to what one reads") {
  CHECK(size_words(1) == "1 byte");
  CHECK(size_words(999) == "999 bytes");
  CHECK(size_words(1234) == "1.2 KB");
  CHECK(size_words(36'000'000) == "36 MB");
  CHECK(size_words(999'900) == "1.0 MB");
}

TEST_CASE("without a script the command itself is suspected") {
  CHECK(suspects("").words("/p", "a", kNoon) == "the command itself (no script ran)");
  CHECK(suspects("no event\n{}\n{\"type\":\"process.exec\"}\n").names("/p", "a", kNoon).empty());
}

TEST_CASE("a script that began after the change did not make it") {
  const Suspects two =
      suspects(exec("12:00:00.000000", "early", "x") + exec("12:00:05.000000", "late", "y"));
  CHECK(two.words("/p", "file", kNoon + kSecond) ==
        "early@1.0.0 postinstall (the only script that was running then)");
  CHECK(two.words("/p", "file", kNoon - kSecond) ==
        "the command itself (no script was running then)");
  CHECK(two.words("/p", "file", Suspects::kNoTime) ==
        "one of late@1.0.0 postinstall, early@1.0.0 postinstall (they ran)");
  CHECK(suspects(exec("12:00:00.5", "one", "x")).words("/p", "file", kNoon + kSecond) ==
        "one@1.0.0 postinstall (the only script that ran)");
}

TEST_CASE("between two steps of a build it did not run") {
  const std::string log = started("12:00:00.0", "one") + finished("12:00:02", "one", "{}") +
                          exec("12:00:06.0", "one", "build") + finished("12:00:08", "one", "{}");
  const Suspects one = suspects(log);
  CHECK(one.author_at(kNoon + kSecond) == policy::Author::package);
  CHECK(one.author_at(kNoon + 4 * kSecond) == policy::Author::manager);
  CHECK(one.author_at(kNoon + 7 * kSecond) == policy::Author::package);
  CHECK(one.author_at(kNoon + 9 * kSecond) == policy::Author::manager);
  const Suspects left = suspects(
      started("12:00:00.0", "one") + finished("12:00:02", "one", R"({"left_running":true})") +
      exec("12:00:06.0", "one", "x") + finished("12:00:08", "one", "{}"));
  CHECK(left.author_at(kNoon + 4 * kSecond) == policy::Author::package);
}

TEST_CASE("a script that had ended before the change, and left nothing running, did not make it") {
  const std::string both =
      exec("12:00:00.000000", "first", "x") + exec("12:00:05.000000", "second", "y");
  const std::string ended = started("12:00:00.1", "first") + finished("12:00:04", "first", "{}");
  const auto who = [](const Suspects& found, std::int64_t seconds) {
    const auto actor = found.only("/p", "file", kNoon + seconds * kSecond);
    return actor ? events::to_words(actor->actor) : "several";
  };
  CHECK(who(suspects(both + ended), 3) == "first@1.0.0 postinstall");
  CHECK(who(suspects(both + ended), 6) == "second@1.0.0 postinstall");
  CHECK(who(suspects(both), 6) == "several");
  CHECK(who(suspects(both + ended), -1) == "package manager");
  const std::string daemon = finished("12:00:04", "first", R"({"left_running":true})");
  CHECK(who(suspects(both + started("12:00:00.1", "first") + daemon), 6) == "several");
  // Two of its scripts, of which one has ended; one more command of it after its first had ended.
  CHECK(who(suspects(both + started("12:00:00.1", "first") + ended), 6) == "several");
  CHECK(who(suspects(both + ended + exec("12:00:04.5", "first", "z")), 6) == "several");
}

TEST_CASE("a script whose command names the path is suspected before others") {
  const Suspects two = suspects(exec("12:00:00", "quiet", "make") +
                                exec("12:00:00", "evil", "cp x .git/hooks/pre-commit"));
  CHECK(two.words("/p", ".git/hooks/pre-commit", kNoon + kSecond) ==
        "evil@1.0.0 postinstall (its command names the file)");
  CHECK(two.names("/p", "elsewhere/pre-commit", kNoon + kSecond) ==
        std::vector<std::string>{"evil@1.0.0 postinstall"});
  CHECK(two.names("/p", "x", kNoon + kSecond).size() == 2);  // too short to tell anything
}

TEST_CASE("who was seen writing there is named before others, unless it ran at another time") {
  const auto wrote = [](const std::string& package, const std::string& path,
                        const std::string& more = "") {
    return event("12:00:00.5", "file.written", package,
                 R"("details":{"path":")" + path + R"(","place":"x")" + more + "}");
  };
  const std::string both =
      exec("12:00:00", "quiet", "cp x .vscode/tasks.json") + exec("12:00:00", "evil", "node x.js");
  const Suspects two = suspects(both + wrote("evil", "/p/.vscode/tasks.json"));
  for (const char* path : {".vscode/tasks.json", ".vscode"}) {
    CHECK(two.words("/p", path, kNoon + kSecond) == "evil@1.0.0 postinstall (seen writing it)");
    CHECK(two.only("/p", path, kNoon + kSecond)->was_seen);
  }
  CHECK(two.running_at(kNoon + kSecond).size() == 2);
  // By its command.
  const std::vector<std::string> quiet{"quiet@1.0.0 postinstall"};
  CHECK(two.names("/other", ".vscode", kNoon + kSecond) == quiet);
  CHECK(two.names("/p", ".vscode/tasks", kNoon + kSecond) == quiet);
  CHECK_FALSE(two.only("/p", ".vscode", kNoon - kSecond)->was_seen);
  // A directory that was put there as a whole.
  const Suspects moved = suspects(both + wrote("evil", "/p/.vscode"));
  CHECK(moved.names("/p", ".vscode/a/b", kNoon + kSecond).size() == 1);
  // An orphan may have made itself look like another.
  const Suspects forged = suspects(both + wrote("evil", "/p/.vscode", R"(,"inferred":true)"));
  CHECK(forged.names("/p", ".vscode/a", kNoon + kSecond).size() == 2);
}

TEST_CASE("a package is alone while its scripts run, and nobody else's") {
  const std::string both = exec("12:00:00", "one", "x") + exec("12:00:05", "two", "y");
  const Suspects found =
      suspects(both + started("12:00:00.1", "one") + finished("12:00:04", "one", "{}"));
  CHECK_FALSE(found.are_alone({"one"}, kNoon - kSecond));
  CHECK(found.are_alone({"other", "one"}, kNoon + 3 * kSecond));
  CHECK_FALSE(found.are_alone({"two"}, kNoon + 3 * kSecond));
  CHECK(found.are_alone({"two"}, kNoon + 6 * kSecond));
  CHECK_FALSE(suspects(both).are_alone({"two"}, kNoon + 6 * kSecond));  // the first may go on
  CHECK_FALSE(found.are_alone({"one"}, Suspects::kNoTime));
}

TEST_CASE("a build is the project's own where each of its starts was in the project's directory") {
  const auto author = [](const std::string& log) {
    return suspects(log).author_at(kNoon + 6 * kSecond);
  };
  const std::string run =
      R"({"time":"2026-06-01T12:00:00Z","type":"run.started","details":{"directory":"/p"}})"
      "\n";
  const auto build = [](const char* directory) {
    return std::string(R"({"time":"2026-06-01T12:00:01Z","type":"script.started",)") +
           R"("actor":{"kind":"build","package":"mine","version":"1.0"},"details":{"directory":")" +
           directory + "\"}}\n";
  };
  CHECK(author(run + build("/p")) == policy::Author::project);
  CHECK(author(run + build("/p/native")) == policy::Author::project);
  CHECK(author(run + build("/tmp/pip-install-x/mine")) == policy::Author::package);
  CHECK(author(run + build("/tmp/pip-install-x/mine") + build("/p")) == policy::Author::package);
  CHECK(author(run + build("/p") + build("/tmp/pip-install-x/mine")) == policy::Author::package);
  CHECK(author(build("/p")) == policy::Author::package);
}

TEST_CASE("many scripts are counted") {
  std::string log;
  for (int i = 0; i < 5; ++i) log += exec("12:00:00", "p" + std::to_string(i), "x");
  CHECK(suspects(log).words("/p", "file", kNoon + kSecond).find(" or 2 more (") !=
        std::string::npos);
}

TEST_CASE("with --review what would be committed is held, what is protected stays so") {
  policy::FilesystemPolicy files;
  files.targets = {{policy::TargetKind::project,
                    {{policy::Verdict::protect, {".git/**"}, "hooks", {}, {}},
                     {policy::Verdict::commit, {"**"}, "", {}, {}}}},
                   {policy::TargetKind::cache, {{policy::Verdict::verify, {"**"}, "", {}, {}}}}};
  const policy::FilesystemPolicy held = hold_all(files, "look");
  CHECK(held.targets[0].rules[0] == files.targets[0].rules[0]);
  CHECK(held.targets[0].rules[1].verdict == policy::Verdict::hold);
  CHECK(held.targets[0].rules[1].reason == "look");
  CHECK(held.targets[1] == files.targets[1]);
}

TEST_CASE("a run's outcome follows from what was kept") {
  TakenOver taken;
  CHECK(outcome_of(Changes::by_profile, true, taken) == RunOutcome::committed);
  CHECK(outcome_of(Changes::by_profile, false, taken) == RunOutcome::failed);
  CHECK(outcome_of(Changes::discard, false, taken) == RunOutcome::discarded);
  taken.summary.held.push_back(change(ChangeKind::added, 'f'));
  CHECK(outcome_of(Changes::review, true, taken) == RunOutcome::held);
  taken.failure = "disk full";
  CHECK(outcome_of(Changes::by_profile, true, taken) == RunOutcome::failed);
}

}  // namespace
}  // namespace sandbox_run::cli
