#include "cli/log_view.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>

namespace sandbox_run::cli {
namespace {

std::string view_of(const std::string& log) {
  std::istringstream in(log);
  std::ostringstream out;
  show_log(in, out);
  return out.str();
}

const std::string kRun =
    R"({"time":"2024-05-01T12:00:00.000001Z","run":"r","seq":1,"type":"run.started","severity":"info","details":{"profile":"npm"},"act_to_record_us":3})"
    "\n";
const std::string kExec =
    R"({"time":"2024-05-01T12:00:01.500000Z","run":"r","seq":2,"type":"process.exec","severity":"info","actor":{"kind":"package-manager"},"process":{"pid":7,"exe":"/usr/bin/node","argv":["node","npm-cli.js","a b"],"cwd":"/p"},"details":{"parent_pid":1},"act_to_record_us":90})"
    "\n";
const std::string kAlert =
    R"({"time":"2024-05-01T12:00:02.000000Z","run":"r","seq":3,"type":"change.protected","severity":"alert","actor":{"kind":"script","package":"evil","version":"1.0.0","event":"postinstall"},"details":{"path":".git/hooks/pre-commit"},"act_to_record_us":90})"
    "\n";

TEST_CASE("a log is shown by actor, in order, with alerts first") {
  CHECK(view_of(kRun + kExec + kAlert + kExec) ==
        "ALERTS\n"
        "  12:00:02.000  change.protected  path=.git/hooks/pre-commit  by evil@1.0.0 postinstall\n"
        "the run\n"
        "  12:00:00.000  run.started       profile=npm\n"
        "package manager\n"
        "  12:00:01.500  process.exec      node npm-cli.js 'a b'\n"
        "  12:00:01.500  process.exec      node npm-cli.js 'a b'\n"
        "evil@1.0.0 postinstall\n"
        "  12:00:02.000  change.protected  path=.git/hooks/pre-commit\n");
}

TEST_CASE("what the log escaped is shown as it stands") {
  const std::string view = view_of(
      R"({"time":"2024-05-01T12:00:02.000000Z","type":"x","severity":"info","actor":{"kind":"script","package":"a\\x1b"},"details":{"path":"b\\n"}})"
      "\n");
  CHECK(view == "a\\x1b\n  12:00:02.000  x                 path=b\\n\n");
}

TEST_CASE("a forged log reaches the terminal without control characters or lines of its own") {
  const std::string view = view_of(
      "{\"time\":\"\\u001b[2J\",\"type\":\"a\\nALERTS\",\"severity\":\"info\","
      "\"actor\":{\"kind\":\"script\",\"package\":\"p\\r\\n\\u0000\"},"
      "\"details\":{\"k\\u009b\":\"v\\u202e\",\"n\":{\"x\":[\"\\u0007\"]}}}\n");
  for (const char c : view) {
    CHECK((c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F)));
  }
  CHECK(view.find("\xc2\x9b") == std::string::npos);
  CHECK(view.find("\xe2\x80\xae") == std::string::npos);
  CHECK(std::count(view.begin(), view.end(), '\n') == 2);
}

TEST_CASE("lines that are no events are counted and passed over") {
  const std::string view =
      view_of("garbage\n[]\n{}\n{\"type\":7}\n\n\xff\xfe\n" + std::string(100, '[') + "\n" + kRun +
              R"({"type":"script.started"})" + "\n" + R"({"type":"process.exec","process":[]})" +
              "\n{\"type\":\"torn");
  CHECK(view.find("(7 lines of the log are no events)") != std::string::npos);
  CHECK(view.find("run.started") != std::string::npos);
}

TEST_CASE("an endless line costs no memory, and a long one is cut") {
  const std::string endless = view_of(std::string(3U << 20, 'x') + "\n" + kRun);
  CHECK(endless.find("(1 lines of the log are no events)") != std::string::npos);
  const std::string cut =
      view_of(R"({"type":"t","details":{"k":")" + std::string(5000, 'y') + "\"}}\n");
  CHECK(cut.size() < 400);
}

TEST_CASE("an empty log shows nothing") { CHECK(view_of("").empty()); }

TEST_CASE("a log that cannot be read is said so") {
  std::ostringstream out;
  CHECK_FALSE(print_log("/nonexistent/events.jsonl", out));
  CHECK(out.str() ==
        "sandbox-run: cannot read /nonexistent/events.jsonl: No such file or directory\n");
}

}  // namespace
}  // namespace sandbox_run::cli
