#include "cli/summary.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/json.h"

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
  facts.log_path = "/state/run/events.jsonl";
  return facts;
}

workspace::HeldChange held(const std::string& path, policy::Verdict verdict = policy::Verdict::hold,
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

TEST_CASE("a run without incident is one line") {
  CHECK(summary_text(good_run()) ==
        "sandbox-run: 312 packages' files committed to node_modules · 4 scripts ran · 1 host "
        "contacted · nothing blocked · 0.05 s overhead · log: /state/run/events.jsonl\n");
}

TEST_CASE("withheld variables are counted only where one may be the reason of a failure") {
  SummaryFacts facts = good_run();
  facts.withheld_environment = 1;
  CHECK_FALSE(contains(summary_text(facts), "withheld"));
  facts.command_exit_code = 1;
  CHECK(contains(summary_text(facts), "1 variable withheld"));
}

TEST_CASE("one is singular and none is no") {
  SummaryFacts facts = good_run();
  facts.commit.committed_packages = 1;
  facts.watch.scripts = 1;
  facts.network.hosts_contacted.clear();
  CHECK(contains(summary_text(facts),
                 "1 package's files committed to node_modules · 1 script ran · no host contacted · "
                 "nothing blocked · "));
  facts.watch.scripts = 0;
  facts.network.hosts_contacted = {"a.example.com", "b.example.com"};
  facts.commit.committed_packages = 0;
  facts.commit.committed_entries = 1;
  CHECK(contains(summary_text(facts),
                 "1 change committed to node_modules · no scripts ran · 2 hosts contacted"));
  facts.commit.committed_entries = 0;
  CHECK(contains(summary_text(facts), "no changes · "));
}

TEST_CASE("many places are named by the first ones") {
  SummaryFacts facts = good_run();
  facts.commit.committed_roots = {"a", "b", "c", "d", "e"};
  CHECK(contains(summary_text(facts), "committed to a, b, c and 2 more"));
}

TEST_CASE("a failed command commits nothing, and the summary says how to keep it") {
  SummaryFacts facts = good_run();
  facts.committed = false;
  facts.commit = {};
  facts.command_exit_code = facts.exit_code = 1;
  CHECK(contains(summary_text(facts),
                 "nothing committed (the command failed with exit code 1); keep such changes with "
                 "--commit-on-failure"));
  facts.command_exit_code = 143;
  CHECK(contains(summary_text(facts), "(the command was ended by signal 15)"));
  facts.command_exit_code = 255;
  CHECK(contains(summary_text(facts), "failed with exit code 255"));
  facts.time_limit = true;
  CHECK(contains(summary_text(facts), "(the time limit ended the command)"));
}

TEST_CASE("a blocked host is named, with the command that would allow it") {
  SummaryFacts facts = good_run();
  facts.network.hosts_denied = {{"203.0.113.7", {}}, {"evil.example.com", {}}};
  const std::string text = summary_text(facts);
  CHECK(contains(text, " · 2 hosts blocked · "));
  CHECK(contains(text,
                 "\nsandbox-run: blocked: evil.example.com (looked up) — allow with: sandbox-run "
                 "--allow-host evil.example.com npm ci\n"));
  CHECK(contains(text, "\nsandbox-run: blocked: 203.0.113.7 (connection) — allow with: "));
  CHECK_FALSE(contains(text, "nothing blocked"));
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
  CHECK(contains(summary_text(facts),
                 "\nsandbox-run: blocked: github.com for electron@30.0.0 postinstall (looked up) — "
                 "allow with: sandbox-run --allow-recipe electron npm ci\n"));
  // No recipe is bound to this package.
  facts.network.hosts_denied[0].actor.package = "left-pad";
  CHECK(contains(summary_text(facts), "--allow-host github.com npm ci\n"));
  // The registry itself: esbuild's recipe leads there.
  facts.registry_hosts = {"registry.example.com"};
  script.package = "esbuild";
  facts.network.hosts_denied = {{"registry.example.com", script}};
  CHECK(contains(summary_text(facts), "--allow-recipe esbuild npm ci\n"));
}

TEST_CASE("the command that is printed has the options that it had") {
  SummaryFacts facts = good_run();
  facts.options = {"--ro", "/data", "--allow-env=A"};
  facts.network.hosts_denied = {{"evil.example.com", {}}};
  CHECK(contains(summary_text(facts),
                 "sandbox-run --allow-host evil.example.com --ro /data --allow-env=A npm ci"));
}

TEST_CASE("no option is offered that would not help") {
  SummaryFacts facts = good_run();
  using Cure = broker::DeniedHost::Cure;
  facts.network.hosts_denied = {{"registry.example.com", {}, Cure::private_host, 4873}};
  CHECK(contains(summary_text(facts),
                 "host = \"registry.example.com\" ports = [4873] private = true"));
  CHECK(!contains(summary_text(facts), "--allow-host"));
  facts.network.hosts_denied = {{"203.0.113.7", {}, Cure::none, 53}};
  CHECK(!contains(summary_text(facts), "--allow-host"));
  const events::Actor thief{events::Actor::Kind::script, "evil", "1.0.0", "postinstall"};
  facts.network.hosts_denied = {{"evil.example.com", thief}};
  events::Event opened{"decoy.opened", events::Severity::alert};
  opened.actor = thief;
  facts.alerts = {opened};
  CHECK(!contains(summary_text(facts), "--allow-host"));
}

TEST_CASE("a long command is not repeated") {
  SummaryFacts facts = good_run();
  facts.network.hosts_denied = {{"evil.example.com", {}}};
  facts.command.push_back(std::string(100, 'x'));
  CHECK(contains(summary_text(facts), "--allow-host evil.example.com …\n"));
}

TEST_CASE("a name that no rule could hold is shown, never offered for pasting") {
  SummaryFacts facts = good_run();
  facts.network.hosts_denied = {{"$(rm -rf ~).example.com", {}},
                                {"*.example.com", {}},
                                {"a\r\nsandbox-run: x", {}},
                                {"\x1b[2J", {}}};
  const std::string text = summary_text(facts);
  CHECK_FALSE(contains(text, "--allow-host"));
  CHECK(contains(text, "blocked: a\\x0d\\nsandbox-run: x (looked up)\n"));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(line_count(text) == 5);
}

TEST_CASE("held changes are named, protected ones first, and what to do is said once") {
  SummaryFacts facts = good_run();
  facts.commit.held = {held("notes.txt"), held(".git/hooks/pre-commit", policy::Verdict::protect)};
  const std::string text = summary_text(facts);
  CHECK(contains(text, " · 2 changes held · "));
  CHECK(contains(text,
                 "sandbox-run: held: .git/hooks/pre-commit (protected: git runs it)\n"
                 "sandbox-run: held: notes.txt (git runs it)\n"
                 "sandbox-run: held changes — look: sandbox-run review; decide one by one: "
                 "sandbox-run review -i; take over: sandbox-run commit; throw away: sandbox-run "
                 "discard\n"));
}

TEST_CASE("held changes of several targets are named in full, and no name breaks a line") {
  SummaryFacts facts = good_run();
  facts.commit.held = {held("a\nb"), held("c", policy::Verdict::hold, "/venv")};
  const std::string text = summary_text(facts);
  CHECK(contains(text, "held: /p/a\\nb ("));
  CHECK(contains(text, "held: /venv/c ("));
}

TEST_CASE("an alert comes first, with its actor") {
  SummaryFacts facts = good_run();
  events::Event alert;
  alert.type = "decoy.opened";
  alert.severity = events::Severity::alert;
  alert.actor = events::Actor{events::Actor::Kind::script, "evil", "1.0.0", "postinstall"};
  alert.details = {{"path", "~/.aws/credentials\n"}};
  facts.alerts = {alert};
  CHECK(contains(summary_text(facts), "sandbox-run: 1 ALERT · 312 packages'"));
  CHECK(contains(summary_text(facts),
                 "\nsandbox-run: ALERT: decoy.opened by evil@1.0.0 postinstall · "
                 "~/.aws/credentials\\n\n"));
  facts.alert_count = 40;
  CHECK(contains(summary_text(facts), "sandbox-run: 40 ALERTS · "));
}

TEST_CASE("more than twenty things are counted, not printed") {
  SummaryFacts facts = good_run();
  for (int i = 0; i < 32; ++i) facts.commit.held.push_back(held("f" + std::to_string(i)));
  const std::string text = summary_text(facts);
  CHECK(line_count(text) == 1 + 20 + 1 + 1);
  CHECK(contains(text, "sandbox-run: … and 12 more: sandbox-run review\n"));
}

TEST_CASE("what is left out is to be found where it says") {
  SummaryFacts facts = good_run();
  for (int i = 0; i < 25; ++i) {
    facts.network.hosts_denied.push_back({"h" + std::to_string(i) + ".example.com", {}});
  }
  facts.commit.held.push_back(held("f"));
  CHECK(contains(summary_text(facts), "sandbox-run: … and 6 more: sandbox-run log\n"));
}

TEST_CASE("with --review all is held, and only what stands out has a line") {
  SummaryFacts facts = good_run();
  facts.changes = Changes::review;
  facts.commit = {};
  facts.commit.held = {held("node_modules"), held(".envrc", policy::Verdict::protect)};
  const std::string text = summary_text(facts);
  CHECK(contains(text, "sandbox-run: nothing committed yet (--review) · "));
  CHECK(contains(text, "\nsandbox-run: held: .envrc (protected: git runs it)\n"));
  CHECK_FALSE(contains(text, "held: node_modules"));
  CHECK(contains(text, "look: sandbox-run review; "));
}

TEST_CASE("with --discard the number of changes is said, and nothing is offered") {
  SummaryFacts facts = good_run();
  facts.changes = Changes::discard;
  facts.commit = {};
  facts.discarded = 3;
  CHECK(contains(summary_text(facts), "sandbox-run: 3 changes thrown away (--discard) · "));
  CHECK_FALSE(contains(summary_text(facts), "sandbox-run commit"));
  facts.discarded = 0;
  CHECK(contains(summary_text(facts), "no changes (--discard keeps none) · "));
}

TEST_CASE("hints are notes") {
  SummaryFacts facts = good_run();
  facts.hints = {"the registry\nis local"};
  CHECK(contains(summary_text(facts), "sandbox-run: note: the registry\\nis local\n"));
}

TEST_CASE("the JSON form is one object on one line with the same facts") {
  SummaryFacts facts = good_run();
  facts.network.hosts_denied = {{"evil.example.com\n", {}}};
  facts.commit.held = {held(".envrc", policy::Verdict::protect)};
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
  CHECK(base::string_member(*parsed, "log") == "/state/run/events.jsonl");
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
  for (int i = 0; i < 1500; ++i) facts.commit.held.push_back(held("f"));
  const auto parsed = base::parse_json(summary_json(facts));
  REQUIRE(parsed);
  CHECK(parsed->as_object().at("held").as_array().size() == 1000);
  CHECK(parsed->as_object().at("held_count").to_number<int>() == 1500);
}

}  // namespace
}  // namespace sandbox_run::cli
