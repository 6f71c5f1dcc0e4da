#include <doctest/doctest.h>

#include "expect_error.h"
#include "policy/profile.h"
#include "policy/verdict.h"

using namespace sandbox_run::policy;

namespace {

Policy npm_policy() {
  Policy policy;
  policy.profile = "npm";
  policy.files.targets = {
      {TargetKind::project, {{Verdict::protect, {"**/.env*"}, "planted", {}, {}}}}};
  return policy;
}

std::string config_error(const std::string& toml) {
  return error_of([&] { parse_user_config(toml, "config.toml"); });
}

}  // namespace

TEST_CASE("configuration adds for all profiles and for one") {
  const UserConfig config = parse_user_config(
      "allow_hosts = ['a.example.com', 'b.example.com:8443']\n"
      "allow_environment = ['A']\n"
      "read_only = ['/srv/data']\n"
      "[profile.npm]\n"
      "allow_hosts = ['*.example.net']\n"
      "read_write = ['/srv/out']\n"
      "commit_on_failure = true\n"
      "[profile.pip]\n"
      "allow_hosts = ['pip.example.com']\n",
      "config.toml");
  const Policy policy = merge_policy(npm_policy(), config, {});
  REQUIRE(policy.network.allow.size() == 3);
  CHECK(policy.network.allow[0].host.text() == "a.example.com");
  CHECK(policy.network.allow[0].ports == std::vector<std::uint16_t>{80, 443});
  CHECK(policy.network.allow[1].ports == std::vector<std::uint16_t>{8443});
  CHECK(policy.network.allow[2].host.text() == "*.example.net");
  CHECK(policy.network.allow[2].origin == EgressRule::Origin::user);
  CHECK(policy.environment.always == std::vector<std::string>{"A"});
  CHECK(policy.files.read_only == std::vector<std::string>{"/srv/data"});
  CHECK(policy.files.read_write == std::vector<std::string>{"/srv/out"});
  CHECK(policy.commit_on_failure);
}

TEST_CASE("a rule of the user goes before the profile's") {
  const UserConfig config = parse_user_config(
      "[[rule]]\nverdict = 'commit'\npaths = ['.env.example']\n"
      "[profile.npm]\n[[profile.npm.rule]]\nkind = 'cache'\nverdict = 'drop'\npaths = ['**']\n",
      "config.toml");
  const Policy policy = merge_policy(npm_policy(), config, {});
  CHECK(judge(policy.files.targets[0], ".env.example", {}).verdict == Verdict::commit);
  CHECK(judge(policy.files.targets[0], ".env", {}).verdict == Verdict::protect);
  REQUIRE(policy.files.targets.size() == 2);
  CHECK(policy.files.targets[1].kind == TargetKind::cache);
}

TEST_CASE("the command line comes last") {
  const UserConfig config = parse_user_config("commit_on_failure = true\n", "config.toml");
  CommandLineRules rules;
  rules.allow_hosts = {parse_host_and_port("localhost:4873"), parse_host_and_port("a.example.com")};
  rules.allow_environment = {"A", "A"};
  rules.commit_on_failure = false;
  rules.time_limit = std::chrono::seconds(60);
  const Policy policy = merge_policy(npm_policy(), config, rules);
  CHECK_FALSE(policy.commit_on_failure);
  CHECK(policy.time_limit == std::chrono::seconds(60));
  CHECK(policy.environment.always == std::vector<std::string>{"A"});
  REQUIRE(policy.network.allow.size() == 2);
  CHECK(policy.network.allow[0].ports == std::vector<std::uint16_t>{4873});
}

TEST_CASE("merging nothing changes nothing") {
  CHECK(merge_policy(npm_policy(), parse_user_config("", "config.toml"), {}) == npm_policy());
}

TEST_CASE("mistakes in the configuration are told with their place") {
  CHECK(contains(config_error("allow_host = []\n"),
                 "config.toml:1:1: unknown key 'allow_host'; did you mean 'allow_hosts'?"));
  CHECK(contains(config_error("allow_hosts = ['ok.example.com', '*']\n"), "config.toml:1:34: '*'"));
  CHECK(contains(config_error("allow_hosts = ['a.example.com:99999']\n"), "1 to 65535"));
  CHECK(contains(config_error("read_only = ['data']\n"),
                 "config.toml:1:14: the path must be absolute"));
  CHECK(contains(config_error("read_write = ['/a/../b']\n"), "'..'"));
  CHECK(contains(config_error("allow_environment = ['A=1']\n"), "without '='"));
  CHECK(contains(config_error("allow_environment = ['AWS_*']\n"), "in full"));
  CHECK(contains(config_error("[profile]\nnpm = 3\n"), "config.toml:2:7: 'npm' must be a table"));
  CHECK(contains(config_error("[profile.npm]\nallow_hsts = []\n"), "config.toml:2:1"));
  CHECK(contains(config_error("[profile.npm.profile.x]\n"), "unknown key 'profile'"));
  CHECK(
      contains(config_error("[[rule]]\nverdict='commit'\nuse='protected'\n"), "unknown key 'use'"));
}

TEST_CASE("egress rules say which host, which ports, for whom, how and where to") {
  const UserConfig config = parse_user_config(
      "[[egress]]\nhost = 'git.example.com'\nports = [22, 443]\nfor = 'package-manager'\n"
      "protocol = 'any'\nprivate = true\n"
      "[[profile.npm.egress]]\nhost = '*.example.net'\nfor = 'package:@scope/name'\n"
      "[[profile.npm.egress]]\nregistries = true\nfor = 'scripts'\n",
      "config.toml");
  const Policy policy = merge_policy(npm_policy(), config, {});
  REQUIRE(policy.network.allow.size() == 2);
  const EgressRule& git = policy.network.allow[0];
  CHECK(git.host.text() == "git.example.com");
  CHECK(git.ports == std::vector<std::uint16_t>{22, 443});
  CHECK(git.audience == Audience{Audience::Kind::package_manager, {}});
  CHECK(git.protocol == EgressRule::Protocol::any);
  CHECK(git.addresses == EgressRule::Addresses::private_too);
  const EgressRule& scoped = policy.network.allow[1];
  CHECK(scoped.ports == std::vector<std::uint16_t>{443});
  CHECK(scoped.audience == Audience{Audience::Kind::package, "@scope/name"});
  CHECK(scoped.protocol == EgressRule::Protocol::tls_or_http);
  CHECK(scoped.addresses == EgressRule::Addresses::global);
  CHECK(policy.network.registries_for == std::vector<Audience>{{Audience::Kind::scripts, {}}});
}

TEST_CASE("an egress rule that leaves something open is refused, in words") {
  const std::string host = "[[egress]]\nhost = 'a.example.com'\n";
  CHECK(config_error(host) == "config.toml:1:1: 'for' is missing here");
  CHECK(contains(config_error(host + "for = 'everybody'\n"),
                 "'everybody' is none of: package-manager, scripts, package:NAME, any"));
  CHECK(contains(config_error(host + "for = 'package:'\n"), "is none of"));
  CHECK(contains(config_error(host + "for = 'any'\nports = [0]\n"),
                 "a port is a number from 1 to 65535"));
  CHECK(contains(config_error(host + "for = 'any'\nports = ['443']\n"),
                 "'ports' must be a list of ports"));
  CHECK(contains(config_error(host + "for = 'any'\nprotocol = 'udp'\n"),
                 "'udp' is none of: tls-or-http, any"));
  CHECK(contains(config_error("[[egress]]\nhost = '*'\nfor = 'any'\n"), "config.toml:2:8: "));
  CHECK(
      contains(config_error(host + "registries = true\nfor = 'scripts'\n"), "unknown key 'host'"));
}

TEST_CASE("recipes are turned on by name") {
  const UserConfig config = parse_user_config("allow_recipes = ['electron']\n", "config.toml");
  CommandLineRules rules;
  rules.allow_recipes = {"esbuild"};
  const Policy policy = merge_policy(npm_policy(), config, rules);
  REQUIRE_FALSE(policy.network.allow.empty());
  for (const EgressRule& rule : policy.network.allow) {
    CHECK(rule.audience == Audience{Audience::Kind::package, "electron"});
  }
  CHECK(policy.network.registries_for ==
        std::vector<Audience>{{Audience::Kind::package, "esbuild"}});
  CHECK(contains(config_error("allow_recipes = ['electorn']\n"),
                 "there is no recipe 'electorn'; did you mean 'electron'?"));
  CHECK(merge_policy(npm_policy(), {}, {}).network == NetworkPolicy{});
}

TEST_CASE("places for events stand in the user's configuration, and nowhere below it") {
  const UserConfig config = parse_user_config("[events]\nsinks = ['syslog', 'otlp']\n", "c");
  CHECK(config.event_sinks == std::vector<std::string>{"syslog", "otlp"});
  CHECK(config_error("[events]\nsink = ['syslog']\n").find("did you mean 'sinks'?") !=
        std::string::npos);
  CHECK_FALSE(config_error("[profile.npm.events]\nsinks = ['syslog']\n").empty());
}

TEST_CASE("limits of what is kept for undo") {
  for (const char* weight : {"cpu_weight", "io_weight"}) {
    CAPTURE(weight);
    const auto text = [&](const char* value) {
      return std::string("[limits]\n") + weight + " = " + value + "\n";
    };
    CHECK(parse_user_config(text("10000"), "config.toml").limits != Limits{});
    CHECK(config_error(text("10001")).find("1 to 10000") != std::string::npos);
    CHECK(config_error(text("0")).find("above 0") != std::string::npos);
  }
  CHECK(parse_user_config("", "config.toml").limits.undo_mb == 2048);
  CHECK(parse_user_config("[limits]\nundo_mb = 0\n", "config.toml").limits.undo_mb == 0);
  CHECK(config_error("[limits]\nundo_mb = -1\n").find("not negative") != std::string::npos);
  CHECK(config_error("[limits]\ntime_s = 40000000\n").find("a year") != std::string::npos);
  const UserConfig timed = parse_user_config("[limits]\ntime_s = 60\n", "config.toml");
  CHECK(merge_policy({}, timed, {}).time_limit == std::chrono::seconds(60));
  CommandLineRules rules;
  rules.time_limit = std::chrono::seconds(90);
  CHECK(merge_policy({}, timed, rules).time_limit == std::chrono::seconds(90));
  CHECK(merge_policy({}, timed, rules).limits.time_s == 90);
  CHECK(config_error("[limits]\nprocesses = 0\n").find("above 0") != std::string::npos);
  CHECK(config_error("[limits]\nundo_mb = 9000000000000\n").find("too large") != std::string::npos);
}
