#include "cli/summary.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"

namespace sandbox_run::cli {
namespace {

SummaryFacts good_run() {
  SummaryFacts facts;
  facts.profile = "npm";
  facts.run_id = "20240501-120000-1";
  facts.command = {"npm", "ci"};
  facts.committed = true;
  facts.commit.committed_packages = 312;
  facts.commit.committed_entries = 4000;
  facts.commit.committed_roots = {"node_modules"};
  facts.watch.scripts = 4;
  facts.network.hosts_contacted = {"registry.example.com"};
  facts.overhead = std::chrono::milliseconds(51);
  facts.home = "/home/u";
  facts.log_path = "/home/u/state/run/events.jsonl";
  return facts;
}

workspace::HeldChange held_change(const std::string& path,
                                  policy::Verdict verdict = policy::Verdict::hold,
                                  const std::string& target = "/p") {
  workspace::HeldChange change;
  change.target = target;
  change.change.path = path;
  change.verdict = verdict;
  change.reason = "git runs it";
  return change;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::ptrdiff_t line_count(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

/// As a person reads it, lines joined that only the width has broken.
std::string text_of(const SummaryFacts& facts) {
  std::string text = summary_text(facts, Layout{});
  text = base::replace_all(std::move(text), " \\\n    ", " ");
  return base::replace_all(std::move(text), "\n    ", " ");
}

events::Event alert_by(const std::string& type, const std::string& package) {
  events::Event alert;
  alert.type = type;
  alert.severity = events::Severity::alert;
  alert.actor = events::Actor{events::Actor::Kind::script, package, "1.0.0", "postinstall"};
  return alert;
}

TEST_CASE("a run without incident is a sentence, and where the log is") {
  CHECK(summary_text(good_run(), Layout{}) ==
        "sandbox-run: clean: 4000 changes committed to node_modules, 4 scripts ran\n"
        "  log: ~/state/run/events.jsonl\n");
}

TEST_CASE("no line is wider than the terminal, and a command that is broken can be typed") {
  SummaryFacts facts = good_run();
  facts.command = {"npm", "install", "--registry", "https://registry.example.com/a/long/path/",
                   "x"};
  facts.network.hosts_denied = {{std::string(60, 'a') + ".example.com", {}},
                                {"downloads.example.com", {}}};
  facts.commit.held = {held_change(std::string(300, 'b')),
                       held_change("日本語/" + std::string(100, 'c'))};
  facts.hints = {std::string(200, 'd') + " " + std::string(30, 'e') + ": sandbox-run --rw /x y"};
  for (const std::size_t width : {40, 80, 132}) {
    const std::string text = summary_text(facts, Layout{width, Style(Style::Colours::off)});
    for (const std::string& line : base::split(text, '\n')) CHECK(columns(line) <= width);
  }
  CHECK(contains(summary_text(facts, Layout{}),
                 "\n    sandbox-run --allow-host downloads.example.com npm install --registry \\\n"
                 "    https://registry.example.com/a/long/path/ x\n"));
  facts.run_id = "20240501-120000-1";
  facts.log_path = "/" + std::string(100, 'x');
  CHECK(contains(summary_text(facts, Layout{}), "\n  log: sandbox-run log 20240501-120000-1\n"));
}

TEST_CASE("colours are the verdict's and the labels', and change no word") {
  SummaryFacts facts = good_run();
  facts.alerts = {alert_by("decoy.opened", "evil")};
  std::string coloured = summary_text(facts, Layout{80, Style(Style::Colours::on)});
  CHECK(contains(coloured, "\x1b[1;31mALERT:\x1b[0m"));
  for (const char* code : {"\x1b[1;31m", "\x1b[0m", "\x1b[1m", "\x1b[33m", "\x1b[2m"}) {
    coloured = base::replace_all(coloured, code, "");
  }
  CHECK(coloured == summary_text(facts, Layout{}));
}

TEST_CASE("one is singular and none is no") {
  SummaryFacts facts = good_run();
  facts.commit.committed_entries = 1;
  facts.watch.scripts = 1;
  CHECK(contains(text_of(facts), "1 change committed to node_modules, 1 script ran\n"));
  facts.alerts = {alert_by("decoy.opened", "evil")};
  CHECK(contains(text_of(facts), "needs a look: 1 alert; 1 change committed"));
  facts.alerts.clear();
  facts.commit.committed_entries = 0;
  facts.watch.scripts = 0;
  CHECK(contains(text_of(facts), "clean: no changes\n"));
}

TEST_CASE("many places are named by the first ones") {
  SummaryFacts facts = good_run();
  facts.commit.committed_roots = {"a", "b", "c", "d", "e"};
  CHECK(contains(text_of(facts), "committed to a, b, c and 2 more"));
}

TEST_CASE("a failed command commits nothing, and the summary says how to keep it") {
  SummaryFacts facts = good_run();
  facts.committed = false;
  facts.commit = {};
  facts.command_exit_code = facts.exit_code = 1;
  CHECK(
      contains(text_of(facts), "failed: the command failed with exit code 1, nothing committed\n"));
  CHECK(contains(text_of(facts), "--commit-on-failure"));
  facts.command_exit_code = 143;
  CHECK(contains(text_of(facts), "the command was ended by signal 15"));
  facts.command_exit_code = 255;
  CHECK(contains(text_of(facts), "failed with exit code 255"));
  facts.time_limit = true;
  CHECK(contains(text_of(facts), "stopped: the time limit was reached; nothing committed"));
}

TEST_CASE("a blocked host is named, with the command that would allow it") {
  SummaryFacts facts = good_run();
  facts.network.hosts_denied = {{"203.0.113.7", {}}, {"evil.example.com", {}}};
  const std::string text = text_of(facts);
  CHECK(contains(text, "needs a look: 2 hosts blocked; 4000 changes committed"));
  CHECK(contains(text,
                 "\n  blocked: evil.example.com; to allow it: sandbox-run "
                 "--allow-host evil.example.com npm ci\n"));
  CHECK(contains(text, "\n  blocked: 203.0.113.7; to allow it: "));
}

TEST_CASE(
    "what a script was refused is told with its name, and with the recipe that would cure it") {
  SummaryFacts facts = good_run();
  events::Actor script;
  script.kind = events::Actor::Kind::script;
  script.package = "electron";
  script.version = "30.0.0";
  script.script_event = "postinstall";
  facts.network.hosts_denied = {{"github.com", script}};
  CHECK(contains(text_of(facts),
                 "\n  blocked: github.com, for electron@30.0.0 postinstall; "
                 "to allow it: sandbox-run --allow-recipe electron npm ci\n"));
  // No recipe is bound to this package.
  facts.network.hosts_denied[0].actor.package = "left-pad";
  CHECK(contains(text_of(facts), "--allow-host github.com npm ci\n"));
  // The registry itself: esbuild's recipe leads there.
  facts.registry_hosts = {"registry.example.com"};
  script.package = "esbuild";
  facts.network.hosts_denied = {{"registry.example.com", script}};
  CHECK(contains(text_of(facts), "--allow-recipe esbuild npm ci\n"));
}

TEST_CASE("the command that is printed has the options that it had") {
  SummaryFacts facts = good_run();
  facts.options = {"--ro", "/data", "--allow-env=A"};
  facts.network.hosts_denied = {{"evil.example.com", {}}};
  CHECK(contains(text_of(facts),
                 "sandbox-run --allow-host evil.example.com --ro /data --allow-env=A npm ci"));
}

TEST_CASE("no option is offered that would not help") {
  SummaryFacts facts = good_run();
  using Cure = broker::DeniedHost::Cure;
  facts.network.hosts_denied = {{"registry.example.com", {}, Cure::private_host, 4873}};
  CHECK(contains(summary_text(facts, Layout{}),
                 "\n    [[profile.npm.egress]]\n    host = \"registry.example.com\"\n"
                 "    ports = [4873]\n    private = true\n"));
  CHECK(!contains(text_of(facts), "--allow-host"));
  facts.network.hosts_denied = {{"203.0.113.7", {}, Cure::none, 53}};
  CHECK(!contains(text_of(facts), "--allow-host"));
  facts.alerts = {alert_by("decoy.opened", "evil")};
  facts.network.hosts_denied = {{"evil.example.com", *facts.alerts[0].actor}};
  CHECK(!contains(text_of(facts), "--allow-host"));
}

TEST_CASE("a long command is not repeated") {
  SummaryFacts facts = good_run();
  facts.network.hosts_denied = {{"evil.example.com", {}}};
  facts.command.push_back(std::string(300, 'x'));
  CHECK(contains(text_of(facts), "--allow-host evil.example.com …\n"));
  facts.command = {"sh", "-c", "npm ci && npm run build && node scripts/after.js --every --thing"};
  CHECK(contains(text_of(facts), "--allow-host evil.example.com …\n"));
}

TEST_CASE("a name that no rule could hold is shown, never offered for pasting") {
  SummaryFacts facts = good_run();
  facts.network.hosts_denied = {{"$(rm -rf ~).example.com", {}},
                                {"*.example.com", {}},
                                {"a\r\nsandbox-run: x", {}},
                                {"\x1b[2J", {}}};
  const std::string text = summary_text(facts, Layout{});
  CHECK_FALSE(contains(text, "--allow-host"));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(line_count(text_of(facts)) == 1 + 4 + 1);
}

TEST_CASE("held changes are named by their reasons, protected ones first, with what to type") {
  SummaryFacts facts = good_run();
  facts.commit.held = {held_change("notes.txt"),
                       held_change(".git/hooks/pre-commit", policy::Verdict::protect),
                       held_change("a b"), held_change("c")};
  const std::string text = text_of(facts);
  CHECK(contains(text, "needs a look: 4 changes held; "));
  CHECK(contains(text,
                 "\n  held: .git/hooks/pre-commit (protected: git runs it): sandbox-run review\n"
                 "  held: notes.txt, 'a b' and 1 more (git runs it): sandbox-run review\n"));
}

TEST_CASE("held changes of several targets are named in full, and no name breaks a line") {
  SummaryFacts facts = good_run();
  facts.commit.held = {held_change("a\nb"), held_change("c", policy::Verdict::hold, "/venv")};
  CHECK(contains(text_of(facts), "held: $'/p/a\\012b', /venv/c ("));
}

TEST_CASE("a name with blanks never begins a line with what could be ours") {
  SummaryFacts facts = good_run();
  facts.commit.held = {held_change(std::string(60, 'x') + " sandbox-run: clean")};
  for (const std::string& line : base::split(summary_text(facts, Layout{}), '\n')) {
    CHECK(line.find("    sandbox-run: clean") == std::string::npos);
  }
}

TEST_CASE("an alert comes first, with its actor, and what nothing else needs is not repeated") {
  SummaryFacts facts = good_run();
  events::Event planted = alert_by("change.protected", "evil");
  planted.details = {{"target", "/p"}, {"path", ".envrc"}, {"change", "added"}, {"reason", "r"}};
  events::Event opened = alert_by("decoy.opened", "evil");
  opened.details = {{"path", "/home/u/.aws/credentials"}, {"dependency_path", {"app", "evil"}}};
  facts.alerts = {planted, opened};
  facts.home = "/home/u";
  facts.commit.held = {held_change(".envrc", policy::Verdict::protect)};
  const std::string text = text_of(facts);
  CHECK(contains(text, "sandbox-run: needs a look: 2 alerts, 1 change held; 4000 changes"));
  // The gravest is what explain explains.
  CHECK(contains(text,
                 "\n  ALERT: evil@1.0.0 postinstall (app › evil): opened the decoy "
                 "~/.aws/credentials: sandbox-run explain\n"
                 "  ALERT: evil@1.0.0 postinstall: added .envrc, a protected place: r: "
                 "sandbox-run log --alerts\n"));
  CHECK_FALSE(contains(text, "held: .envrc"));
}

TEST_CASE("every alert has its line or shares one of its kind, also when all else is quiet") {
  SummaryFacts facts = good_run();
  CHECK(alerts_text(facts, Layout{}).empty());
  for (int i = 0; i < 3; ++i) {
    facts.alerts.push_back(alert_by("decoy.opened", "evil"));
    facts.alerts.back().details = {{"path", "/d" + std::to_string(i)}};
  }
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) {
    facts.alerts.push_back(alert_by("behaviour.new", name));
    facts.alerts.back().details = {{"act", "runs the program curl"}};
  }
  facts.alert_count = 40;
  facts.held_for_alert = true;
  facts.committed = false;
  facts.network.hosts_denied = {{"evil.example.com", {}}};
  const std::string text = alerts_text(facts, Layout{});
  CHECK(contains(text, "sandbox-run: stopped: 40 alerts, 1 host blocked; nothing committed\n"));
  CHECK(contains(text, "opened the decoy /d0, and 2 more of this kind"));
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) {
    CHECK(contains(text, "ALERT: " + std::string(name) + "@1.0.0 postinstall: "));
  }
  CHECK(contains(text, "ALERT: and 30 more: sandbox-run log --alerts\n"));
  CHECK_FALSE(contains(text, "blocked: "));
}

TEST_CASE("exit code 122 is explained for who reads the log of a CI job") {
  SummaryFacts facts = good_run();
  facts.alerts = {alert_by("change.protected", "evil")};
  facts.alerts[0].details = {{"target", "/p"}, {"path", ".vscode/a b"}, {"change", "added"}};
  facts.exit_code = 122;
  facts.fails_by_ci = true;
  facts.commit.held = {held_change(".vscode/a b", policy::Verdict::protect), held_change("x")};
  const std::string text = summary_text(facts, Layout{});
  CHECK(contains(text, "sandbox-run: stopped: 1 alert, 2 changes held; 4000 changes committed"));
  CHECK(contains(text, "exit code 122, because CI is set: change.protected ('.vscode/a b') fails"));
  CHECK(contains(text, "\n    paths = [\".vscode/a b\"]\n"));
  CHECK_FALSE(contains(text, "sandbox-run review"));
}

TEST_CASE("more than a handful of things are counted, and are to be found where it says") {
  SummaryFacts facts = good_run();
  for (int i = 0; i < 25; ++i) {
    facts.network.hosts_denied.push_back({"h" + std::to_string(i) + ".example.com", {}});
  }
  facts.commit.held.push_back(held_change("f"));
  CHECK(contains(text_of(facts), "\n  … and 21 more: sandbox-run log\n"));
  facts.network.hosts_denied.clear();
  for (int i = 0; i < 32; ++i) {
    facts.commit.held.push_back(held_change("f"));
    facts.commit.held.back().reason = "r" + std::to_string(i);
  }
  CHECK(contains(text_of(facts), "\n  … and 28 more: sandbox-run review\n"));
}

TEST_CASE("with --review all is held, and only what stands out has a line") {
  SummaryFacts facts = good_run();
  facts.changes = Changes::review;
  facts.commit = {};
  facts.commit.held = {held_change("node_modules"),
                       held_change(".envrc", policy::Verdict::protect)};
  const std::string text = text_of(facts);
  CHECK(contains(text, "needs a look: 2 changes held; nothing committed yet"));
  CHECK(contains(text, "\n  held: .envrc (protected: git runs it): sandbox-run review\n"));
  CHECK_FALSE(contains(text, "held: node_modules"));
  facts.commit.held = {held_change("node_modules")};
  CHECK(contains(text_of(facts), "all changes are held (--review): sandbox-run review\n"));
}

TEST_CASE("with --discard the number of changes is said, and nothing is offered") {
  SummaryFacts facts = good_run();
  facts.changes = Changes::discard;
  facts.commit = {};
  facts.discarded = 3;
  CHECK(contains(text_of(facts), "clean: 3 changes discarded"));
  CHECK_FALSE(contains(text_of(facts), "sandbox-run commit"));
  facts.discarded = 0;
  CHECK(contains(text_of(facts), "clean: no changes"));
}

TEST_CASE("hints are notes, with what to type at their end") {
  SummaryFacts facts = good_run();
  facts.hints = {"the registry\nis local", "kept: sandbox-run --rw 'a b' npm ci"};
  const std::string text = text_of(facts);
  CHECK(contains(text, "\n  note: the registry\\nis local\n"));
  CHECK(contains(text, "\n  note: kept: sandbox-run --rw 'a b' npm ci\n"));
}

TEST_CASE("the JSON form is one object on one line with the same facts") {
  SummaryFacts facts = good_run();
  facts.network.hosts_denied = {{"evil.example.com\n", {}}};
  facts.commit.held = {held_change(".envrc", policy::Verdict::protect)};
  events::Event alert;
  alert.type = "change.protected";
  facts.alerts = {alert};
  const std::string text = summary_json(facts);
  CHECK(line_count(text) == 1);
  CHECK(text.back() == '\n');
  const auto parsed = base::parse_json(text);
  REQUIRE(parsed);
  const auto& object = parsed->as_object();
  CHECK(base::string_member(*parsed, "profile") == "npm");
  CHECK(base::string_member(*parsed, "log") == "/home/u/state/run/events.jsonl");
  CHECK(base::to_json(object.at("committed")) ==
        R"({"done":true,"packages":312,"entries":4000,"roots":["node_modules"]})");
  CHECK(base::to_json(object.at("hosts_blocked")) == R"(["evil.example.com\\n"])");
  CHECK(base::to_json(object.at("held")) ==
        R"([{"target":"/p","path":".envrc","protected":true,"reason":"git runs it"}])");
  CHECK(object.at("overhead_us").to_number<int>() == 51000);
  CHECK(object.at("alert_count").to_number<int>() == 1);
}

TEST_CASE("the JSON form's lists are bounded, their counts are not") {
  SummaryFacts facts = good_run();
  for (int i = 0; i < 1500; ++i) facts.commit.held.push_back(held_change("f"));
  const auto parsed = base::parse_json(summary_json(facts));
  REQUIRE(parsed);
  CHECK(parsed->as_object().at("held").as_array().size() == 1000);
  CHECK(parsed->as_object().at("held_count").to_number<int>() == 1500);
}

}  // namespace
}  // namespace sandbox_run::cli
