#include "policy/profile.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "base/io.h"
#include "expect_error.h"
#include "scratch_directory.h"

using namespace sandbox_run::policy;

namespace {

std::string profile_error(const std::string& toml) {
  return error_of([&] { parse_profile(toml, "profiles/x.toml"); });
}

ProfileSet small_set() {
  ProfileSet set;
  set.add(
      parse_profile("[protected]\npaths = ['.git/**']\nreason = 'planted'\n"
                    "[files]\nsystem = ['/usr']\n[environment]\nallow = ['PATH']\n",
                    "common.toml"));
  set.add(
      parse_profile("commands = ['npm', 'npm-cli.js']\npackage_manager = 'npm'\n"
                    "[environment]\nallow = ['npm_config_*']\n"
                    "[environment.set]\nA = '{home}/a'\n"
                    "[[target]]\nkind = 'project'\n"
                    "[[target.rule]]\nuse = 'protected-at-root'\n"
                    "[[target.rule]]\nverdict = 'commit'\npaths = ['node_modules/**']\n"
                    "[[target.rule]]\nuse = 'protected'\n"
                    "[[target.rule]]\nverdict = 'hold'\npaths = ['x']\nreason = 'r'\n",
                    "npm.toml"));
  set.add(parse_profile("commands = ['pip', 'pip3.*']\npython_modules = ['pip']\n", "pip.toml"));
  set.add(parse_profile("", "generic.toml"));
  return set;
}

std::string name_for(std::vector<std::string> arguments, const std::string& resolved = "") {
  return small_set().name_for({std::move(arguments), resolved});
}

}  // namespace

TEST_CASE("what a manager makes hard links of") {
  CHECK_FALSE(parse_profile("", "x.toml").policy.files.hard_links);
  const auto links = parse_profile("[hard_links]\nunless_scripts = ['install']\n", "x.toml")
                         .policy.files.hard_links;
  REQUIRE(links);
  CHECK(links->unless_scripts == std::vector<std::string>{"install"});
  CHECK(links->unless_files.empty());
}

TEST_CASE("an unknown key is an error with its place and the nearest key") {
  CHECK(profile_error("description = 'x'\n  comands = []\n") ==
        "profiles/x.toml:2:3: unknown key 'comands'; did you mean 'commands'?");
  CHECK(contains(profile_error("[environment]\nalow = []\n"), "x.toml:2:1: unknown key 'alow'"));
  CHECK(contains(profile_error("[environment]\nalow = []\n"), "did you mean 'allow'?"));
  CHECK(contains(profile_error("[[target]]\nkind='project'\n[[target.rule]]\nverdikt='hold'\n"),
                 "x.toml:4:1: unknown key 'verdikt'; did you mean 'verdict'?"));
  CHECK(contains(profile_error("qqqqqqqqqqqq = 1\n"), "known here: "));
}

TEST_CASE("a wrong type is an error with its place") {
  CHECK(profile_error("commands = 'npm'\n") ==
        "profiles/x.toml:1:12: 'commands' must be a list of strings, not a string");
  CHECK(contains(profile_error("commands = ['npm', 3]\n"),
                 "x.toml:1:20: 'commands' must be a string"));
  CHECK(contains(profile_error("commit_on_failure = 'yes'\n"),
                 "must be true or false, not a string"));
  CHECK(
      contains(profile_error("environment = 3\n"), "must be a table, [environment], not a number"));
  CHECK(contains(profile_error("[target]\nkind = 'project'\n"), "must be tables, [[target]]"));
  CHECK(contains(profile_error("description = 1979-05-27\n"), "not a date"));
}

TEST_CASE("a word that is none of the known ones is an error naming them") {
  CHECK(contains(profile_error("package_manager = 'nmp'\n"),
                 "x.toml:1:19: 'nmp' is none of: none, npm, pnpm, yarn, pip"));
  CHECK(contains(profile_error("[[target]]\nkind = 'projekt'\n"), "x.toml:2:8: 'projekt'"));
  CHECK(contains(profile_error("[[target]]\nkind='project'\n[[target.rule]]\nverdict='verify'\n"
                               "paths=['x']\n"),
                 "'verify' is none of: commit, hold, protect"));
  CHECK(contains(profile_error("[[target]]\nkind='cache'\n[[target.rule]]\nverdict='hold'\n"
                               "paths=['x']\n"),
                 "'hold' is none of: commit, verify, trusted, drop"));
}

TEST_CASE("a rule that could not work is an error") {
  const std::string head = "[[target]]\nkind='project'\n[[target.rule]]\n";
  CHECK(contains(profile_error(head + "verdict='commit'\n"), "a rule needs 'paths'"));
  CHECK(contains(profile_error(head + "paths=['x']\n"), "'verdict' is missing"));
  CHECK(contains(profile_error(head + "verdict='hold'\npaths=['x']\n"), "needs a 'reason'"));
  CHECK(contains(profile_error(head + "verdict='path-file'\npaths=['x']\n"), "needs a 'reason'"));
  CHECK(contains(profile_error("[[target]]\nkind='cache'\n[[target.rule]]\nverdict='path-file'\n"),
                 "'path-file' is none of"));
  CHECK(contains(profile_error(head + "verdict='commit'\npaths=['/x']\n"),
                 "x.toml:5:8: write paths relative"));
  CHECK(contains(profile_error(head + "verdict='commit'\npaths=['a/../b']\n"), "'..'"));
  CHECK(contains(profile_error(head + "verdict='commit'\npaths=['']\n"), "empty"));
  CHECK(contains(profile_error(head + "use='protected'\npaths=['x']\n"), "stands alone"));
  CHECK(contains(profile_error(head + "use='protekted'\n"), "is none of"));
  CHECK(contains(profile_error("[[target]]\nkind='project'\n[[target]]\nkind='project'\n"),
                 "another [[target]]"));
}

TEST_CASE("paths in profiles are absolute or start with a known place") {
  CHECK(contains(profile_error("[[cache]]\npath='{hom}/x'\n"), "must be absolute or start with"));
  CHECK(contains(profile_error("[[cache]]\npath='x'\n"), "must be absolute"));
  CHECK(contains(profile_error("[[cache]]\npath='{home}/../x'\n"), "'..'"));
  CHECK(contains(profile_error("[[cache]]\n"), "x.toml:1:1: 'path' is missing"));
  CHECK(contains(profile_error("[files]\nsystem=['usr']\n"), "must be absolute"));
  CHECK(contains(profile_error("[files]\netc=['../shadow']\n"), "'..'"));
  CHECK(contains(profile_error("[files]\netc=['s*']\n"), "in full"));
  CHECK(
      contains(profile_error("[environment.set]\nA='{nowhere}/x'\n"), "must be absolute or start"));
}

TEST_CASE("text that is not TOML is an error with its place") {
  CHECK(contains(profile_error("commands = [\n'npm'\n"), "profiles/x.toml:"));
  CHECK(contains(profile_error("a = 1\na = 2\n"), "profiles/x.toml:2:"));
  CHECK(contains(profile_error("description = \"\xff\xfe\"\n"), "profiles/x.toml:1:"));
  CHECK(contains(profile_error("description = \"a\\u0007b\"\n"), "control characters"));
  CHECK(contains(profile_error(std::string(2U << 20U, '#')), "megabyte"));
  CHECK_FALSE(contains(profile_error("\"\\u001b[31m\" = 1\n"), "\x1b"));
}

TEST_CASE("hostile nesting is refused, not followed") {
  CHECK(contains(profile_error("a = " + std::string(20000, '[') + "\n"), "profiles/x.toml:"));
}

TEST_CASE("a file of the home has the format and keys of its kind") {
  ProfileSet set;
  set.add(parse_profile("", "common.toml"));
  set.add(
      parse_profile("[[configuration]]\nname = 'rc'\nformat = 'npmrc'\npaths = ['etc/rc']\n"
                    "drop_keys = ['_*']\n[files]\nprefixes = ['/opt/*']\n",
                    "configuration.toml"));
  set.add(parse_profile("[[home_file]]\npath = '{home}/.rc'\nkind = 'rc'\n", "a.toml"));
  set.add(parse_profile("[[home_file]]\npath = '{home}/.rc'\nkind = 'cr'\n", "b.toml"));
  const Policy policy = set.select("a");
  REQUIRE(policy.files.home_files.size() == 1);
  CHECK(policy.files.home_files[0].format == HomeFile::Format::npmrc);
  CHECK(policy.files.home_files[0].drop_keys == std::vector<std::string>{"_*"});
  CHECK(policy.files.configuration.size() == 1);
  CHECK(policy.files.prefixes == std::vector<std::string>{"/opt/*"});
  CHECK(contains(error_of([&] { (void)set.select("b"); }), "of the kind 'cr'"));
  CHECK(contains(profile_error("[[home_file]]\npath = '{home}/x'\nkind = 'a'\nformat = 'ini'\n"),
                 "'kind' stands for"));
  CHECK(contains(profile_error("[[configuration]]\nname = 'x'\n"), "unknown key"));
}

TEST_CASE("protected paths that are meant at the root alone are not looked for deeper down") {
  ProfileSet set;
  set.add(parse_profile("[protected]\npaths = ['.git']\nat_root = ['auth.json']\nreason = 'r'\n",
                        "protected.toml"));
  set.add(parse_profile("[[target]]\nkind = 'project'\n[[target.rule]]\nuse = 'protected'\n",
                        "a.toml"));
  CHECK(set.select("a").files.targets[0].rules[0].paths ==
        std::vector<std::string>{"**/.git", "auth.json"});
}

TEST_CASE("only protected.toml defines the protected paths") {
  CHECK(contains(profile_error("[protected]\npaths = []\nreason = 'x'\n"),
                 "unknown key 'protected'"));
}

TEST_CASE("a profile is found by the command's name or the file behind it") {
  CHECK(name_for({"npm", "ci"}) == "npm");
  CHECK(name_for({"/usr/bin/npm", "ci"}) == "npm");
  CHECK(name_for({"n", "ci"}, "/usr/lib/node_modules/npm/bin/npm-cli.js") == "npm");
  CHECK(name_for({"pip3.11"}) == "pip");
  CHECK(name_for({"pip3"}, "/usr/bin/pip") == "pip");
  CHECK(name_for({"make", "npm"}) == "generic");
  CHECK(name_for({"npmx"}) == "generic");
  CHECK(name_for({""}) == "generic");
}

TEST_CASE("python -m pip is pip, however its options are written") {
  CHECK(name_for({"python3", "-m", "pip", "install"}) == "pip");
  CHECK(name_for({"/x/.venv/bin/python", "-m", "pip"}) == "pip");
  CHECK(name_for({"python3.11", "-I", "-W", "ignore", "-X", "dev", "-m", "pip"}) == "pip");
  CHECK(name_for({"python", "-Im", "pip"}) == "pip");
  CHECK(name_for({"python", "-mpip"}) == "pip");
  CHECK(name_for({"py", "-m", "pip"}, "/usr/bin/python3.12") == "pip");
  CHECK(name_for({"pypy3", "-m", "pip"}) == "pip");
}

TEST_CASE("python that runs something else is not pip") {
  CHECK(name_for({"python3", "setup.py", "-m", "pip"}) == "generic");
  CHECK(name_for({"python3", "-c", "-m", "pip"}) == "generic");
  CHECK(name_for({"python3", "-m", "venv", "pip"}) == "generic");
  CHECK(name_for({"python3", "-m"}) == "generic");
  CHECK(name_for({"python3", "-X"}) == "generic");
  CHECK(name_for({"python3", "-"}) == "generic");
  CHECK(name_for({"python3-config", "-m", "pip"}) == "generic");
}

TEST_CASE("common lists come first, and protected rules stand where they are used") {
  const Policy policy = small_set().select("npm");
  CHECK(policy.profile == "npm");
  CHECK(policy.package_manager == PackageManager::npm);
  CHECK(policy.files.system == std::vector<std::string>{"/usr"});
  CHECK(policy.environment.allow == std::vector<std::string>{"PATH", "npm_config_*"});
  CHECK(policy.environment.set.at("A") == "{home}/a");
  REQUIRE(policy.files.targets.size() == 1);
  const auto& rules = policy.files.targets[0].rules;
  REQUIRE(rules.size() == 4);
  CHECK(rules[0].paths == std::vector<std::string>{".git/**"});
  CHECK(rules[0].verdict == Verdict::protect);
  CHECK(rules[1].paths == std::vector<std::string>{"node_modules/**"});
  CHECK(rules[2].paths == std::vector<std::string>{"**/.git/**"});
  CHECK(rules[2].reason == "planted");
  CHECK(rules[3].verdict == Verdict::hold);
}

TEST_CASE("variables that name a configuration file, and path files, are read") {
  const Policy policy =
      parse_profile(
          "[[home_file]]\npath='{home}/.x'\nformat='ini'\npath_variables=['A', 'B']\n"
          "[[target]]\nkind='environment'\n[[target.rule]]\nverdict='path-file'\n"
          "paths=['**/*.pth']\nreason='r'\n",
          "x.toml")
          .policy;
  REQUIRE(policy.files.home_files.size() == 1);
  CHECK(policy.files.home_files[0].path_variables == std::vector<std::string>{"A", "B"});
  REQUIRE(policy.files.targets.size() == 1);
  CHECK(policy.files.targets[0].rules.at(0).verdict == Verdict::path_file);
}

TEST_CASE("an unknown profile is an error with the nearest name") {
  CHECK(contains(error_of([] { small_set().select("nmp"); }), "did you mean 'npm'?"));
  CHECK(
      contains(error_of([] { small_set().select("zzzzzzzzzz"); }), "there are: generic, npm, pip"));
}

TEST_CASE("a profile that uses protected paths without common.toml is an error") {
  ProfileSet set;
  set.add(
      parse_profile("[[target]]\nkind='project'\n[[target.rule]]\nuse='protected'\n", "a.toml"));
  CHECK(contains(error_of([&] { set.select("a"); }), "[protected]"));
}

TEST_CASE("a profile can be read from a file, and its name is the file's") {
  const sandbox_run::test::ScratchDirectory directory;
  const std::string path = directory.file("mine.toml");
  sandbox_run::base::write_file(path, "commit_on_failure = true\n", 0600);
  const Policy policy = small_set().select(path);
  CHECK(policy.profile == "mine");
  CHECK(policy.commit_on_failure);
  CHECK(policy.files.system == std::vector<std::string>{"/usr"});
  ::unlink(path.c_str());
  CHECK_THROWS_AS(small_set().select(path), sandbox_run::base::SysError);
}

TEST_CASE("adding a profile replaces the one of its name") {
  ProfileSet set = small_set();
  set.add(parse_profile("commands = ['other']\n", "npm.toml"));
  CHECK(set.name_for({{"npm"}, ""}) == "generic");
  CHECK(set.name_for({{"other"}, ""}) == "npm");
  CHECK(set.names() == std::vector<std::string>{"generic", "npm", "pip"});
}
