#include "cli/options.h"

#include <doctest/doctest.h>

#include "base/sys_error.h"
#include "cli/hints.h"

using namespace sandbox_run;
using cli::Action;
using cli::parse_options;
using Words = std::vector<std::string>;

TEST_CASE("everything from the command's name on is the command's own") {
  const auto options = parse_options({"-q", "npm", "ci", "--json", "-q"}, "/");
  CHECK(options.output == cli::Output::quiet);
  CHECK(options.command == Words{"npm", "ci", "--json", "-q"});
}

TEST_CASE("an option's value is not taken for the command") {
  const auto options =
      parse_options({"--profile", "pnpm", "--allow-env=A", "--allow-env", "B", "pnpm", "i"}, "/");
  CHECK(options.profile == "pnpm");
  CHECK(options.rules.allow_environment == Words{"A", "B"});
  CHECK(options.command == Words{"pnpm", "i"});
}

TEST_CASE("-- ends the options, and lets a command have a sub-command's name") {
  CHECK(parse_options({"--", "plan", "x"}, "/").command == Words{"plan", "x"});
  CHECK(parse_options({"--", "plan", "x"}, "/").action == Action::run);
  CHECK(parse_options({"plan", "npm", "ci"}, "/").action == Action::plan);
  CHECK(parse_options({"--dry-run", "npm", "ci"}, "/").action == Action::plan);
}

TEST_CASE("times have units") {
  CHECK(parse_options({"--timeout", "90", "x"}, "/").rules.time_limit == std::chrono::seconds(90));
  CHECK(parse_options({"--timeout=2h", "x"}, "/").rules.time_limit == std::chrono::seconds(7200));
  for (const char* bad : {"", "0", "-1", "1w", "m", "99999999s", "1.5h"}) {
    CHECK_THROWS_AS(parse_options({"--timeout", bad, "x"}, "/"), base::UserError);
  }
}

TEST_CASE("a sub-command has options of its own, and -- ends them") {
  const auto review = parse_options({"review", "-i", "last", "src"}, "/");
  CHECK(review.action == Action::review);
  CHECK(review.review == cli::ReviewMode::interactive);
  CHECK(review.operands == Words{"last", "src"});
  CHECK(parse_options({"review", "--json"}, "/").output == cli::Output::json);
  CHECK(parse_options({"commit", "last", "--", "-x", "--help"}, "/").operands ==
        Words{"last", "-x", "--help"});
  CHECK(parse_options({"runs", "--json"}, "/").action == Action::runs);
  CHECK(parse_options({"discard", "--help"}, "/").action == Action::help);
  CHECK(parse_options({"discard", "--help"}, "/").topic == "discard");
  CHECK(parse_options({"help", "log"}, "/").topic == "log");
  CHECK(parse_options({"plan", "--help"}, "/").topic == "plan");
  CHECK(parse_options({"help"}, "/").topic.empty());
  CHECK(parse_options({"commit", "-y"}, "/").confirmation == cli::Confirmation::given);
  CHECK_THROWS_WITH_AS(parse_options({"review", "--interctive"}, "/"),
                       doctest::Contains("did you mean --interactive?"), base::UserError);
  CHECK_THROWS_WITH_AS(parse_options({"commit", "-x"}, "/"), doctest::Contains("goes after --"),
                       base::UserError);
  CHECK_THROWS_AS(parse_options({"review", "-i", "--json"}, "/"), base::UserError);
}

TEST_CASE("a run compares with the behaviour lock, goes by it, or learns, and only a run does") {
  CHECK(parse_options({"npm", "ci"}, "/").lock == cli::LockUse::compare);
  CHECK(parse_options({"--learn", "npm", "ci"}, "/").lock == cli::LockUse::learn);
  CHECK(parse_options({"--frozen", "--on-alert=kill", "npm", "ci"}, "/").lock ==
        cli::LockUse::frozen);
  CHECK(parse_options({"npm", "ci", "--frozen"}, "/").lock == cli::LockUse::compare);
  for (const Words& words : {Words{"--learn", "--frozen", "x"}, Words{"--learn", "--discard", "x"},
                             Words{"--frozen", "--on-alert=log", "x"}, Words{"--learn", "runs"}}) {
    CHECK_THROWS_AS(parse_options(words, "/"), base::UserError);
  }
  CHECK(parse_options({"lock", "diff", "last"}, "/").operands == Words{"diff", "last"});
}

TEST_CASE("events go to as many places as are named") {
  const auto options = parse_options({"--events", "a.jsonl", "--events=syslog", "npm", "ci"}, "/");
  REQUIRE(options.events.size() == 2);
  CHECK(options.events[0].where == "a.jsonl");
  CHECK(options.events[1].kind == events::SinkAddress::Kind::syslog);
  CHECK_THROWS_AS(parse_options({"--events", "kafka:x", "npm"}, "/"), base::UserError);
}

TEST_CASE("log is narrowed, followed or verified") {
  const auto options = parse_options({"log", "-f", "--alerts", "--actor", "a", "RUN"}, "/");
  CHECK(options.log.follow == cli::LogOptions::Follow::yes);
  CHECK(options.log.which == cli::LogOptions::Which::alerts);
  CHECK(options.log.actor == "a");
  CHECK(options.operands == Words{"RUN"});
  CHECK(parse_options({"log", "--verify"}, "/").log.form == cli::LogOptions::Form::verify);
  CHECK(parse_options({"explain", "RUN", "12"}, "/").action == Action::explain);
  CHECK_THROWS_AS(parse_options({"log", "--verify", "--json"}, "/"), base::UserError);
}

TEST_CASE("prune is told how old, and removes held changes only if that is said") {
  const auto prune = parse_options({"prune", "--older-than", "14d"}, "/").prune;
  CHECK(prune.older_than == std::chrono::hours(14 * 24));
  CHECK(prune.held == cli::PruneRule::Held::keep);
  CHECK(prune.act == cli::PruneRule::Act::remove);
  CHECK(parse_options({"prune", "--older-than=1h", "--held"}, "/").prune.held ==
        cli::PruneRule::Held::remove);
  CHECK(parse_options({"prune", "--older-than=1h", "--dry-run"}, "/").prune.act ==
        cli::PruneRule::Act::only_say);
  CHECK(parse_options({"--dry-run", "prune", "--older-than=1h"}, "/").prune.act ==
        cli::PruneRule::Act::only_say);
  CHECK_THROWS_WITH_AS(parse_options({"prune"}, "/"), doctest::Contains("--older-than 14d"),
                       base::UserError);
  CHECK_THROWS_AS(parse_options({"prune", "--older-than", "0"}, "/"), base::UserError);
}

TEST_CASE("--review and --discard are two ways to keep changes back, not both") {
  CHECK(parse_options({"npm", "ci"}, "/").changes == cli::Changes::by_profile);
  CHECK(parse_options({"--review", "npm", "ci"}, "/").changes == cli::Changes::review);
  CHECK(parse_options({"--discard", "npm", "ci"}, "/").changes == cli::Changes::discard);
  CHECK_THROWS_AS(parse_options({"--review", "--discard", "x"}, "/"), base::UserError);
  CHECK_THROWS_AS(parse_options({"--discard", "--commit-on-failure", "x"}, "/"), base::UserError);
  CHECK_THROWS_WITH_AS(parse_options({"--review", "runs"}, "/"),
                       doctest::Contains("is a sub-command"), base::UserError);
  CHECK(parse_options({"--review", "--", "runs"}, "/").command == Words{"runs"});
}

TEST_CASE("mistakes are told in words") {
  CHECK_THROWS_WITH_AS(parse_options({"--alow-host", "a.example.com", "x"}, "/"),
                       doctest::Contains("did you mean --allow-host?"), base::UserError);
  CHECK_THROWS_WITH_AS(parse_options({}, "/"), doctest::Contains("no command given"),
                       base::UserError);
  CHECK_THROWS_WITH_AS(parse_options({"--allow-host", "*", "x"}, "/"),
                       doctest::Contains("every host"), base::UserError);
  CHECK_THROWS_AS(parse_options({"--allow-env", "A*", "x"}, "/"), base::UserError);
  CHECK_THROWS_WITH_AS(parse_options({"--ro", "/no/such/thing", "x"}, "/"),
                       doctest::Contains("there is no /no/such/thing"), base::UserError);
  CHECK_THROWS_AS(parse_options({"--rw", "/", "x"}, "/"), base::UserError);
  CHECK_THROWS_AS(parse_options({"--allow-host"}, "/"), base::UserError);
}

TEST_CASE("every option that weakens says what it costs") {
  const std::string help = cli::help_text();
  for (const char* option :
       {"--allow-host", "--allow-env", "--ro", "--rw", "--commit-on-failure"}) {
    const std::size_t at = help.find(option, help.find("Options"));
    REQUIRE(at != std::string::npos);
    const std::size_t cost = help.find("Costs:", at);
    const std::size_t next = help.find("\n  --", at);
    CHECK(cost < next);
  }
}

TEST_CASE("the failures that people meet have a cure") {
  using sandbox::SetupStep;
  CHECK(cli::hint_for(SetupStep::create_namespaces, ENOSPC, "").find("sysctl") !=
        std::string::npos);
  CHECK(cli::hint_for(SetupStep::collect_mounts, ENODEV, "the overlay of x").find("modprobe") !=
        std::string::npos);
  CHECK(cli::hint_for(SetupStep::landlock, EINVAL, "").empty());
}
