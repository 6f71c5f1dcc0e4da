#include "cli/log/log_view.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "cli/log/explain.h"
#include "cli/log/remove_package.h"
#include "cli/log/verify.h"

namespace sandbox_run::cli {
namespace {

std::string view_of(const std::string& log, const EventFilter& filter = {},
                    Style::Colours colours = Style::Colours::off) {
  std::istringstream in(log);
  LogView view{Style(colours)};
  for (LogLine line; read_log_line(in, line);) view.add(line, filter);
  std::ostringstream out;
  view.print(out);
  return out.str();
}

const std::string kRun =
    R"({"time":"2024-05-01T12:00:00.000001Z","run":"r","seq":1,"type":"run.started","severity":"info","details":{"command":["npm","ci"],"directory":"/p","profile":"npm"},"act_to_record_us":3})"
    "\n";
const std::string kExec =
    R"({"time":"2024-05-01T12:00:01.500000Z","run":"r","seq":2,"type":"process.exec","severity":"info","actor":{"kind":"package-manager"},"process":{"pid":7,"exe":"/usr/bin/node","argv":["node","npm-cli.js","a b"],"cwd":"/p"},"details":{"parent_pid":1},"act_to_record_us":90})"
    "\n";
const std::string kChild =
    R"({"time":"2024-05-01T12:00:01.600000Z","run":"r","seq":3,"type":"process.exec","severity":"info","actor":{"kind":"package-manager"},"process":{"pid":8,"exe":"/usr/bin/git","argv":["git"],"cwd":"/p"},"details":{"parent_pid":7},"act_to_record_us":90})"
    "\n";
const std::string kAlert =
    R"({"time":"2024-05-01T12:00:02.000000Z","run":"r","seq":4,"type":"change.protected","severity":"alert","actor":{"kind":"script","package":"evil","version":"1.0.0","event":"postinstall"},"details":{"path":".git/hooks/pre-commit","change":"added","reason":"git runs it"},"act_to_record_us":90})"
    "\n";
const std::string kWithheld =
    R"({"time":"2024-05-01T12:00:00.000001Z","run":"r","seq":5,"type":"env.withheld","severity":"info","details":{"name":"A_TOKEN"}})"
    "\n"
    R"({"time":"2024-05-01T12:00:00.000001Z","run":"r","seq":6,"type":"env.withheld","severity":"info","details":{"name":"B_KEY"}})"
    "\n";

TEST_CASE("a log is a tree of who acted and what each did, with alerts first") {
  CHECK(view_of(kRun + kWithheld + kExec + kChild + kAlert + kAlert) ==
        "ALERTS\n"
        "  #4    12:00:02.000  evil@1.0.0 postinstall: added .git/hooks/pre-commit, a protected "
        "place: git runs it\n"
        "  #4    12:00:02.000  evil@1.0.0 postinstall: added .git/hooks/pre-commit, a protected "
        "place: git runs it\n"
        "  what it means: sandbox-run explain 4\n"
        "\n"
        "run r: npm ci started in /p, profile npm\n"
        "├─ package manager\n"
        "│  #2    12:00:01.500  ran node npm-cli.js 'a b'\n"
        "│  #3    12:00:01.600    ran git\n"
        "├─ evil@1.0.0 postinstall\n"
        "│  #4    12:00:02.000  added .git/hooks/pre-commit, a protected place: git runs it  (2 "
        "times)\n"
        "└─ sandbox-run\n"
        "   #5    12:00:00.000  withheld the variable A_TOKEN, B_KEY\n");
}

TEST_CASE("a log can be narrowed to alerts and to an actor") {
  EventFilter filter;
  filter.alerts_only = true;
  CHECK(view_of(kRun + kExec + kAlert, filter).find("package manager") == std::string::npos);
  for (const char* actor : {"evil", "evil@1.0.0", "script", "evil@1.0.0 postinstall"}) {
    CAPTURE(actor);
    const std::string view = view_of(kRun + kExec + kAlert, {false, actor});
    CHECK(view.find("pre-commit") != std::string::npos);
    CHECK(view.find("npm-cli.js") == std::string::npos);
  }
  CHECK(view_of(kAlert, {false, "evil@2.0.0"}).empty());
}

TEST_CASE("colours are there if they are asked for, and only ours") {
  const std::string plain = view_of(kRun + kAlert);
  CHECK(plain.find('\x1b') == std::string::npos);
  CHECK(view_of(kRun + kAlert, {}, Style::Colours::on).find("\x1b[1;31m") != std::string::npos);
}

TEST_CASE("a forged log reaches the terminal without control characters or lines of its own") {
  const std::string view = view_of(
      "{\"time\":\"\\u001b[2J\",\"type\":\"a\\nALERTS\",\"severity\":\"info\",\"seq\":-5,"
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
      view_of("garbage\n[]\n{}\n{\"type\":7}\n\n\xff\xfe\n" + std::string(100, '[') + "\n" + kExec +
              R"({"type":"script.started"})" + "\n" + R"({"type":"process.exec","process":[]})" +
              "\n{\"type\":\"torn");
  CHECK(view.find("7 lines of the log are no events") != std::string::npos);
  CHECK(view.find("npm-cli.js") != std::string::npos);
}

TEST_CASE("an endless line costs no memory, and a long one is cut") {
  const std::string endless = view_of(std::string(3U << 20, 'x') + "\n" + kRun);
  CHECK(endless.find("1 line of the log is no event") != std::string::npos);
  const std::string cut =
      view_of(R"({"type":"t","details":{"k":")" + std::string(5000, 'y') + "\"}}\n");
  CHECK(cut.size() < 500);
}

TEST_CASE("an empty log shows nothing, and is not whole") {
  CHECK(view_of("").empty());
  std::istringstream empty;
  CHECK(verify_log(empty, std::nullopt).exit_code == kNoEnd);
}

// ── explain ─────────────────────────────────────────────────────────────────────────────────────

const ExplainedRun kNpm{"r", "npm", {"npm", "ci"}, "/home/u/.config/sandbox-run/config.toml"};

Explanation explained(const std::string& event) {
  return explain(base::parse_json(event)->get_object(), kNpm);
}

RemovalAdvice advised(const std::string& event, const std::vector<std::string>& command) {
  ExplainedRun run = kNpm;
  run.id = "RUN";
  run.command = command;
  return removal_advice(base::parse_json(event)->get_object(), run);
}

TEST_CASE("after an alert the package goes first, by the manager that is in use") {
  const std::string alert =
      R"({"type":"decoy.opened","severity":"alert","actor":{"kind":"script","package":"evil",)"
      R"("version":"1.0.0","event":"postinstall"},"details":{"path":"/d","dependency_path":)";
  const std::string direct = alert + R"(["app","evil"]}})";
  const std::string deep = alert + R"(["app","tools","evil"]}})";
  using Commands = std::vector<std::string>;
  CHECK(advised(direct, {"npm", "ci"}).commands ==
        Commands{"sandbox-run discard RUN", "sandbox-run npm uninstall evil"});
  CHECK(advised(deep, {"/usr/bin/pnpm", "i"}).commands.back() == "sandbox-run pnpm remove tools");
  CHECK(advised(deep, {"yarn"}).commands.back() == "sandbox-run yarn remove tools");
  CHECK(advised(deep, {"pip", "install", "x"}).commands.back() ==
        "sandbox-run pip uninstall tools");
  // By the profile, where something else started the manager.
  CHECK(advised(deep, {"make"}).commands.back() == "sandbox-run npm uninstall tools");
  const std::string text = explanation_text(base::parse_json(deep)->get_object(), kNpm);
  CHECK(text.find("What to do first") < text.find("Rule"));
  CHECK(text.find("which tools brought in") != std::string::npos);
}

TEST_CASE("no advice is given of what is no package's alert, nor a command of a forged name") {
  CHECK(advised(R"({"type":"x","severity":"notice","actor":{"kind":"script","package":"a"}})", {})
            .words.empty());
  CHECK(advised(R"({"type":"x","severity":"alert","actor":{"kind":"package-manager"}})", {})
            .words.empty());
  const RemovalAdvice forged = advised(
      R"({"type":"x","severity":"alert","actor":{"kind":"script","package":"a; rm -rf ~"}})",
      {"npm"});
  CHECK(forged.commands == std::vector<std::string>{"sandbox-run discard RUN"});
}
using Lines = std::vector<std::string>;

TEST_CASE("a refused name is allowed for the package that asked, on one port") {
  const Explanation why = explained(
      R"({"type":"name.lookup","severity":"notice","actor":{"kind":"script","package":"a-pkg","version":"1"},"details":{"name":"files.example.com","qtype":"A","verdict":"denied"}})");
  CHECK(why.once == "sandbox-run --allow-host files.example.com:443 npm ci");
  CHECK(why.config == Lines{"[[profile.npm.egress]]", "host = \"files.example.com\"",
                            "ports = [443]", "for = \"package:a-pkg\""});
  CHECK_FALSE(why.why_not.empty());
}

TEST_CASE("a recipe is named where there is one") {
  const Explanation why = explained(
      R"({"type":"flow.denied","severity":"notice","actor":{"kind":"script","package":"electron"},"details":{"destination":"198.18.0.7","port":443,"protocol":"tcp","name":"github.com","reason":"x"}})");
  CHECK(why.once == "sandbox-run --allow-recipe electron npm ci");
  CHECK(why.config == Lines{"[profile.npm]", "allow_recipes = [\"electron\"]"});
}

TEST_CASE("what nothing can allow gets no suggestion") {
  for (
      const char* event :
      {R"({"type":"flow.denied","details":{"destination":"169.254.169.254","port":80,"protocol":"tcp","reason":"x"}})",
       R"({"type":"flow.denied","details":{"destination":"192.0.2.1","port":9,"protocol":"udp","reason":"x"}})",
       R"x({"type":"name.lookup","details":{"name":"$(evil)","verdict":"denied"}})x",
       R"({"type":"decoy.leaked","details":{"decoy":"/h/.npmrc","reason":"x"}})",
       R"({"type":"change.stripped","details":{"path":"x","what":"set-user-ID bit"}})"}) {
    CAPTURE(event);
    CHECK(explained(event).once.empty());
    CHECK(explained(event).config.empty());
    CHECK_FALSE(explained(event).why_not.empty());
  }
}

TEST_CASE("a held change is taken over once, or by a rule for that path alone") {
  const Explanation why =
      explained(R"({"type":"change.held","details":{"path":"src/a b.txt","reason":"y"}})");
  CHECK(why.once == "sandbox-run commit r 'src/a b.txt'");
  CHECK(why.config ==
        Lines{"[[profile.npm.rule]]", "verdict = \"commit\"", "paths = [\"src/a b.txt\"]"});
  for (const char* path : {R"(a*)", R"([x])", R"(a\\nb)", R"(a\"b)"}) {
    CAPTURE(path);
    CHECK(explained(std::string(R"({"type":"change.held","details":{"path":")") + path + "\"}}")
              .config.empty());
  }
}

TEST_CASE("a withheld variable is let in by its name") {
  const Explanation why = explained(R"({"type":"env.withheld","details":{"name":"NPM_TOKEN"}})");
  CHECK(why.once == "sandbox-run --allow-env NPM_TOKEN npm ci");
  CHECK(why.config == Lines{"[profile.npm]", "allow_environment = [\"NPM_TOKEN\"]"});
}

TEST_CASE("an explanation of a forged event has no control characters and no lines of its own") {
  const std::string text = explanation_text(
      base::parse_json("{\"type\":\"change.held\",\"details\":{\"path\":\"\\u001b[2J\\nx\","
                       "\"reason\":\"\\r\\u009b\"}}")
          ->get_object(),
      {"r\x1b", "npm\n[evil]", {"npm\x1b[0m"}, "/c"});
  for (const char c : text) CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
  CHECK(text.find("[evil]") == std::string::npos);
}

}  // namespace
}  // namespace sandbox_run::cli
