// Each built-in profile on a fixed host → the exact plan text in tests/golden. UPDATE_GOLDEN=1
// writes it anew: read the difference before you commit it.

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/io.h"
#include "host_path.h"
#include "plan/plan_builder.h"
#include "policy/profile.h"

using namespace sandbox_run;

namespace {

plan::HostPath file(const std::string& path) { return {path, "", path, false, true}; }
plan::HostPath link(const std::string& path, const std::string& text, const std::string& real,
                    bool is_directory) {
  return {path, text, real, is_directory, true};
}

/// A host with a merged /usr, npm in the system, and a pyenv below $HOME.
plan::HostFacts fixed_host() {
  plan::HostFacts facts;
  facts.uid = 1000;
  facts.gid = 1000;
  facts.home = facts.home_real = "/home/u";
  facts.working_directory = "/home/u/app";
  facts.project = "/home/u/app";
  facts.cache_home = "/home/u/.cache";
  facts.config_home = "/home/u/.config";
  facts.data_home = "/home/u/.local/share";
  facts.state_home = "/home/u/.local/state";
  facts.environment = {{"PATH", "/home/u/.pyenv/shims:/usr/bin"},
                       {"HOME", "/home/u"},
                       {"LANG", "C.UTF-8"},
                       {"AWS_SECRET_ACCESS_KEY", "hidden"},
                       {"SSH_AUTH_SOCK", "/run/agent"},
                       {"NPM_TOKEN", "hidden"}};
  facts.landlock_abi = 6;
  facts.path_entries = {directory("/home/u/.pyenv/shims"), directory("/usr/bin")};
  facts.system = {link("/bin", "usr/bin", "/usr/bin", true), directory("/opt"), directory("/usr")};
  facts.etc = {file("/etc/passwd"),
               link("/etc/resolv.conf", "../run/stub.conf", "/run/stub.conf", false),
               link("/etc/localtime", "/usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/UTC", false)};
  facts.etc.push_back(file("/etc/private.conf"));
  facts.etc.back().public_read = false;
  facts.toolchains = {
      {"pyenv", {directory("/home/u/.pyenv")}, {}},
      {"cargo", {directory("/home/u/.cargo")}, {file("/home/u/.cargo/credentials.toml")}}};
  facts.home_files["/home/u/.npmrc"] = "fund=false\n//registry.example.com/:_authToken=hidden\n";
  facts.devices = {file("/dev/null")};
  facts.command.arguments = {"tool", "install"};
  facts.command.path = "/usr/bin/tool";
  facts.command.chain = {"/usr/bin/tool"};
  facts.package_manager.cache = "/home/u/.npm";
  facts.decoys.files = {{"/home/u/.aws/credentials", "false", {}, {}}};
  facts.decoys.variables = {{"GITHUB_TOKEN", "false"}};
  return facts;
}

std::vector<plan::Layer> layers_for(const std::vector<plan::TargetChoice>& targets) {
  std::vector<plan::Layer> layers;
  for (const plan::TargetChoice& target : targets) {
    const std::string base = "RUN/layers/" + std::to_string(layers.size());
    const auto kind = target.kind == policy::TargetKind::cache ? plan::LayerKind::cache
                                                               : plan::LayerKind::project;
    layers.push_back({target.path, kind, target.path, base + "/upper", base + "/work", false});
  }
  return layers;
}

std::string planned(const std::string& profile, const plan::HostFacts& facts) {
  policy::CommandLineRules rules;
  rules.allow_hosts = {policy::parse_host_and_port("mirror.example.com:8443")};
  const policy::Policy policy =
      policy::merge_policy(policy::ProfileSet::built_in().select(profile), {}, rules);
  const auto targets = plan::choose_targets(policy, facts);
  return plan::to_text(plan::make_plan(policy, facts, layers_for(targets), plan::Purpose::run));
}

void check_golden(const std::string& profile) {
  const std::string path = std::string(GOLDEN_DIRECTORY) + "/plan-" + profile + ".txt";
  const std::string text = planned(profile, fixed_host());
  if (std::getenv("UPDATE_GOLDEN") != nullptr) base::write_file(path, text, 0644);
  CHECK(text == base::read_file(path));
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the plan of profile npm is the golden one") { check_golden("npm"); }
TEST_CASE("the plan of profile pnpm is the golden one") { check_golden("pnpm"); }
TEST_CASE("the plan of profile yarn is the golden one") { check_golden("yarn"); }
TEST_CASE("the plan of profile bun is the golden one") { check_golden("bun"); }
TEST_CASE("the plan of profile deno is the golden one") { check_golden("deno"); }
TEST_CASE("the plan of profile pip is the golden one") { check_golden("pip"); }
TEST_CASE("the plan of profile generic is the golden one") { check_golden("generic"); }

TEST_CASE("a toolchain that PATH does not lead into is not shown") {
  const std::string text = planned("npm", fixed_host());
  CHECK(holds(text, "read-only  /home/u/.pyenv\n"));
  CHECK_FALSE(holds(text, ".cargo"));
}

TEST_CASE("credentials inside a toolchain that is shown are hidden") {
  plan::HostFacts facts = fixed_host();
  facts.path_entries.push_back(directory("/home/u/.cargo/bin"));
  const std::string text = planned("npm", facts);
  CHECK(holds(text, "read-only  /home/u/.cargo\n"));
  CHECK(holds(text, "hidden     /home/u/.cargo/credentials.toml\n"));
}

TEST_CASE("a decoy makes way for what the user shows, and none lies in a target") {
  plan::HostFacts facts = fixed_host();
  CHECK(holds(planned("npm", facts), "decoy      /home/u/.aws/credentials\n"));
  facts.read_only = {directory("/home/u/.aws")};
  CHECK_FALSE(holds(planned("npm", facts), "decoy      "));
  facts.read_only = {file("/home/u/.aws/credentials")};
  CHECK_FALSE(holds(planned("npm", facts), "decoy      "));
  facts.read_only = {};
  facts.decoys.files = {{"/home/u/app/.env", "false", {}, {}}};
  CHECK_FALSE(holds(planned("npm", facts), "decoy      "));
}

TEST_CASE("the plan's text holds no decoy's value: it is the same for the same run") {
  plan::HostFacts facts = fixed_host();
  facts.decoys.variables = {{"GITHUB_TOKEN", "ghp_false"}};
  const std::string text = planned("npm", facts);
  CHECK(holds(text, "variable   GITHUB_TOKEN  a decoy\n"));
  CHECK_FALSE(holds(text, "ghp_false"));
}

TEST_CASE("configuration in a tree that is shown is covered by a copy without credentials") {
  plan::HostFacts facts = fixed_host();
  const policy::HomeFile rules{"", policy::HomeFile::Format::npmrc, {"_*"}, {}, {}};
  facts.configuration = {{"/home/u/.pyenv/etc/npmrc", false, "a=b\n_auth=x\n", rules},
                         {"/opt/node/etc/npmrc", false, "_auth=x\n", rules},
                         {"/opt/clean/etc/npmrc", false, "a=b\n", rules},
                         {"/opt/named/etc/npmrc", false, "_auth=x\n", rules},
                         {"/opt/x/.aws", true, std::nullopt, rules},
                         {"/home/u/.cargo/etc/npmrc", false, "_auth=x\n", rules},
                         {"/run/stub.conf", false, "_auth=x\n", rules}};
  facts.read_only = {directory("/opt/named")};
  const std::string text = planned("npm", facts);
  CHECK(holds(text, "copy       /home/u/.pyenv/etc/npmrc  without credentials, 4 bytes\n"));
  CHECK(holds(text, "copy       /opt/node/etc/npmrc  without credentials, 0 bytes\n"));
  CHECK(holds(text, "hidden     /opt/x/.aws\n"));
  CHECK(holds(text, "copy       /etc/resolv.conf"));  // where the link's target is seen
  CHECK_FALSE(holds(text, "/opt/clean"));
  CHECK_FALSE(holds(text, "/opt/named/etc"));
  CHECK_FALSE(holds(text, ".cargo"));
}

TEST_CASE("what others may not read is hidden where it is shown, and not what the user names") {
  plan::HostFacts facts = fixed_host();
  facts.private_places = {
      {"/opt/x/key", false}, {"/opt/closed", true}, {"/opt/named/key", false}, {"/srv/key", false}};
  facts.read_only = {directory("/opt/named"), directory("/opt/closed/shown")};
  const std::string text = planned("npm", facts);
  CHECK(holds(text, "hidden     /opt/x/key\n"));
  CHECK_FALSE(holds(text, "/opt/named/key"));
  CHECK_FALSE(holds(text, "/srv/key"));
  // A place for what is mounted below it.
  CHECK(text.find("private    /opt/closed ") < text.find("read-only  /opt/closed/shown\n"));
}

TEST_CASE("what only the caller may read in /etc is not shown") {
  CHECK_FALSE(holds(planned("npm", fixed_host()), "private.conf"));
}

TEST_CASE("variables with secrets are withheld by name, and their values are nowhere") {
  const std::string text = planned("npm", fixed_host());
  CHECK(holds(text, "withheld   AWS_SECRET_ACCESS_KEY\n"));
  CHECK(holds(text, "withheld   NPM_TOKEN\n"));
  CHECK_FALSE(holds(text, "hidden\n"));
}

TEST_CASE("a directory of PATH that holds $HOME or is $HOME is never shown") {
  plan::HostFacts facts = fixed_host();
  facts.path_entries.push_back(directory("/home/u"));
  facts.path_entries.push_back(directory("/home"));
  const std::string text = planned("npm", facts);
  CHECK_FALSE(holds(text, "read-only  /home/u\n"));
  CHECK_FALSE(holds(text, "read-only  /home\n"));
}

TEST_CASE("a program that lies in $HOME itself is shown alone") {
  plan::HostFacts facts = fixed_host();
  facts.command.path = "/home/u/tool";
  facts.command.chain = {"/home/u/tool"};
  const std::string text = planned("generic", facts);
  CHECK(holds(text, "read-only  /home/u/tool\n"));
  CHECK_FALSE(holds(text, "read-only  /home/u\n"));
}

TEST_CASE("a command with a prefix of its own brings the whole prefix") {
  plan::HostFacts facts = fixed_host();
  facts.command.path = "/data/node/bin/npm";
  facts.command.chain = {"/data/node/lib/node_modules/npm/bin/npm-cli.js", "/data/node/bin/node"};
  CHECK(holds(planned("npm", facts), "read-only  /data/node\n"));
}

TEST_CASE("a question to a package manager has no network, no overlay and a read-only project") {
  const plan::HostFacts facts = fixed_host();
  const policy::Policy policy = policy::ProfileSet::built_in().select("npm");
  const std::string text = plan::to_text(plan::make_plan(policy, facts, {}, plan::Purpose::query));
  CHECK(holds(text, "read-only  /home/u/app\n"));
  CHECK_FALSE(holds(text, "overlay"));
  CHECK_FALSE(holds(text, "tcp port"));
}

TEST_CASE("parents are mounted before what lies in them") {
  const std::string text = planned("npm", fixed_host());
  CHECK(text.find("private    /home/u ") < text.find("read-only  /home/u/.pyenv"));
  CHECK(text.find("private    /home/u ") < text.find("overlay    /home/u/app"));
}

TEST_CASE("a virtual environment elsewhere whose bin is on PATH is shown whole") {
  plan::HostFacts facts = fixed_host();
  facts.path_entries.insert(facts.path_entries.begin(), directory("/home/u/envs/a/bin"));
  facts.command.path = "/home/u/envs/a/bin/pip";
  facts.command.chain = {"/home/u/envs/a/bin/pip", "/usr/bin/python3.11"};
  CHECK(holds(planned("pip", facts), "read-only  /home/u/envs/a\n"));
}

TEST_CASE("ports 80 and 443 are always listened on, so that a try there is refused and recorded") {
  const std::string text = planned("generic", fixed_host());
  CHECK(holds(text, "tcp port   80\n"));
  CHECK(holds(text, "tcp port   443\n"));
}

TEST_CASE("a unix socket that somebody listens on is hidden where its tree is shown") {
  plan::HostFacts facts = fixed_host();
  facts.unix_sockets = {"/opt/daemon/api.sock", "/home/u/.pyenv/agent.sock", "/run/docker.sock"};
  const std::string text = planned("npm", facts);
  CHECK(holds(text, "hidden     /opt/daemon/api.sock\n"));
  CHECK(holds(text, "hidden     /home/u/.pyenv/agent.sock\n"));
  CHECK_FALSE(holds(text, "docker.sock"));  // its tree is not shown at all
}
