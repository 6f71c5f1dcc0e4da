// New entries whose path is expected, but not what they are.

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/path.h"
#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

constexpr const char* kUnexpected = "a link where a file or directory is expected";
constexpr const char* kLeadsOut = "a link that leads out of the project";

void make_link(const std::string& path, const std::string& text) {
  base::make_directories(base::parent_path(path), 0755);
  REQUIRE(::symlink(text.c_str(), path.c_str()) == 0);
}

bool is_link(const std::string& path) {
  const auto status = base::stat_no_follow(path);
  return status && S_ISLNK(status->st_mode);
}

/// Why `path` is held; "" if it isn't.
std::string held_reason(const CommitSummary& summary, const std::string& path) {
  const auto found = std::find_if(summary.held.begin(), summary.held.end(),
                                  [&](const HeldChange& held) { return held.change.path == path; });
  return found == summary.held.end() ? "" : found->reason;
}

void add_environment(Fixture& f) {
  policy::TargetRules environment;
  environment.kind = policy::TargetKind::environment;
  environment.rules = {
      {policy::Verdict::path_file, {"**/*.pth"}, "runs at each start", {}, {}},
      {policy::Verdict::commit, {"bin/**", "lib/**", "lib64"}, "expected", {}, {}}};
  f.policy.targets.push_back(environment);
}

}  // namespace

TEST_CASE("a link in place of a lockfile or of a node_modules directory is held") {
  Fixture f;
  const TemporaryDirectory home;
  put(home.path() + "/.bashrc", "precious");
  put(f.host("package-lock.json"), "old");
  f.begin();
  make_link(f.upper("package-lock.json"), home.path() + "/.bashrc");
  make_link(f.upper("package.json"), "src/index.js");
  make_link(f.upper("packages/bar/node_modules"), "../../../home");
  make_link(f.upper("node_modules/a/node_modules"), "../b");
  const CommitSummary summary = f.commit();
  CHECK(content(f.host("package-lock.json")) == "old");
  CHECK_FALSE(is_link(f.host("package-lock.json")));
  for (const char* path : {"package-lock.json", "package.json", "packages/bar/node_modules",
                           "node_modules/a/node_modules"}) {
    CAPTURE(path);
    CHECK_FALSE(is_link(f.host(path)));
  }
  CHECK(held_reason(summary, "package-lock.json") == kUnexpected);
  CHECK(held_reason(summary, "package.json") == kUnexpected);
  CHECK(held_reason(summary, "node_modules/a/node_modules") == kUnexpected);
  // A person who has seen what it is may have it.
  RecordingSink sink;
  commit_held(f.run, {"package.json"}, sink);
  CHECK(is_link(f.host("package.json")));
}

TEST_CASE("of a fresh node_modules, links that lead out are held and all else is committed") {
  Fixture f;
  f.begin();
  put(f.upper("node_modules/a/index.js"), "a");
  put(f.upper("node_modules/.cache/kept"), "k");
  make_link(f.upper("node_modules/.cache/tool"), "/root/.ssh");
  make_link(f.upper("node_modules/a/up"), "../../../x");
  make_link(f.upper("node_modules/@scope"), "/root");
  make_link(f.upper("node_modules/@s/.hidden"), "/root");
  make_link(f.upper("node_modules/a/lib.dist-info"), "/root");
  // Those below are as package managers make them.
  make_link(f.upper("node_modules/linked"), "/elsewhere/linked");
  make_link(f.upper("node_modules/@s/linked"), "../../../linked");
  make_link(f.upper("node_modules/workspace"), "../packages/workspace");
  make_link(f.upper("node_modules/.bin/a"), "../a/index.js");
  make_link(f.upper("node_modules/.bin/linked"), "../linked/cli.js");
  make_link(f.upper("node_modules/.store/a@1/node_modules/b"), "../../b@1/node_modules/b");
  const CommitSummary summary = f.commit();
  const std::vector<std::string> bad = {"node_modules/.cache/tool", "node_modules/a/up",
                                        "node_modules/@scope", "node_modules/@s/.hidden",
                                        "node_modules/a/lib.dist-info"};
  CHECK(summary.held.size() == bad.size());
  for (const std::string& path : bad) {
    CAPTURE(path);
    CHECK(held_reason(summary, path) == kLeadsOut);
    CHECK_FALSE(is_link(f.host(path)));
  }
  CHECK(content(f.host("node_modules/a/index.js")) == "a");
  CHECK(content(f.host("node_modules/.cache/kept")) == "k");
  for (const char* path :
       {"linked", "@s/linked", "workspace", ".bin/a", ".bin/linked", ".store/a@1/node_modules/b"}) {
    CAPTURE(path);
    CHECK(is_link(f.host(std::string("node_modules/") + path)));
  }
}

TEST_CASE("a link to a package's link that leads out leads out, too") {
  Fixture f;
  make_link(f.host("node_modules/from-before"), "/root");
  f.begin();
  make_link(f.upper("node_modules/zzz"), "/root/.ssh");
  make_link(f.upper("node_modules/.cache/direct"), "../zzz");
  make_link(f.upper("node_modules/.cache/beneath"), "../zzz/keys");
  make_link(f.upper("node_modules/.cache/twice"), "direct");
  make_link(f.upper("node_modules/.cache/old"), "../from-before");
  make_link(f.upper("node_modules/.cache/loop"), "loop");
  make_link(f.upper("node_modules/.cache/inside"), "../../src");
  const CommitSummary summary = f.commit();
  for (const char* name : {"direct", "beneath", "twice", "old", "loop"}) {
    const std::string path = std::string("node_modules/.cache/") + name;
    CAPTURE(path);
    CHECK(held_reason(summary, path) == kLeadsOut);
    CHECK_FALSE(is_link(f.host(path)));
  }
  CHECK(is_link(f.host("node_modules/.cache/inside")));
}

TEST_CASE("in an environment, links lead to the system or stay inside") {
  Fixture f;
  add_environment(f);
  f.begin(policy::TargetKind::environment);
  make_link(f.upper("bin/python3"), "/usr/bin/python3");
  make_link(f.upper("bin/python"), "python3");
  make_link(f.upper("lib64"), "lib");
  put(f.upper("lib/x"), "x");
  make_link(f.upper("bin/tool"), "/root/tool");
  make_link(f.upper("bin/back"), "/usr/../root/tool");
  make_link(f.upper("bin/system"), "/usr/bin");
  make_link(f.upper("bin/through"), "system/../../root");
  const CommitSummary summary = f.commit();
  for (const char* path : {"bin/python3", "bin/python", "lib64", "bin/system"}) {
    CAPTURE(path);
    CHECK(is_link(f.host(path)));
  }
  for (const char* path : {"bin/tool", "bin/back", "bin/through"}) {
    CAPTURE(path);
    CHECK(held_reason(summary, path) == kLeadsOut);
    CHECK_FALSE(is_link(f.host(path)));
  }
}

TEST_CASE("a cache takes files and directories only") {
  Fixture f;
  const TemporaryDirectory home;
  put(home.path() + "/precious", "p");
  make_dir(f.host("_cacache"));
  f.begin(policy::TargetKind::cache);
  put(f.upper("_cacache/index-v5/aa/file"), "x");
  make_link(f.upper("_cacache/index-v5/aa/link"), home.path() + "/precious");
  make_link(f.upper("_cacache/index-v5/link"), "aa");
  REQUIRE(::mkfifo(f.upper("_cacache/index-v5/aa/fifo").c_str(), 0600) == 0);
  f.only_package_manager_ran = true;
  const CommitSummary summary = f.commit();
  CHECK(summary.dropped == 3);
  CHECK(snapshot(f.host("_cacache/index-v5")) ==
        Snapshot{{"", "d 755"}, {"aa", "d 755"}, {"aa/file", "f 644 x"}});
  CHECK(f.is_run_clean());
}

TEST_CASE("a path file of Python is committed if it starts nothing and names what is there") {
  Fixture f;
  add_environment(f);
  const TemporaryDirectory project;
  make_dir(f.host("lib/site-packages/known"));
  put(f.host("lib/site-packages/gone.pth"), "known\n");
  f.begin(policy::TargetKind::environment);
  const auto in_layer = [&](const std::string& name) {
    return f.upper("lib/site-packages/" + name);
  };
  put(in_layer("editable.pth"), project.path() + "\nknown\n# a word\n");
  put(in_layer("code.pth"), "import os; os.system('x')\n");
  put(in_layer("new.pth"), "new\n");
  put(in_layer("new/sitecustomize.py"), "x");
  put(in_layer("huge.pth"), std::string(65 * 1024, '\n'));
  make_link(in_layer("link.pth"), "editable.pth");
  make_dir(in_layer("directory.pth"));
  f.whiteout("lib/site-packages/gone.pth");
  const CommitSummary summary = f.commit();
  CHECK(base::exists(f.host("lib/site-packages/editable.pth")));
  CHECK_FALSE(base::exists(f.host("lib/site-packages/gone.pth")));
  for (const char* name : {"code.pth", "new.pth", "huge.pth", "link.pth", "directory.pth"}) {
    const std::string path = std::string("lib/site-packages/") + name;
    CAPTURE(path);
    CHECK(held_reason(summary, path) == "runs at each start");
    CHECK_FALSE(base::exists(f.host(path)));
  }
}

TEST_CASE("what Python runs at each start is protected unless a RECORD lists it with its digest") {
  Fixture f;
  add_environment(f);
  auto& rules = f.policy.targets.back().rules;
  rules.insert(
      rules.begin(),
      {policy::Verdict::recorded, {"**/*.pth", "**/hack/**", "*.pth"}, "unlisted", {}, {}});
  // Of "x".
  const std::string digest = ",sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE,1\n";
  make_dir(f.host("lib/site-packages/x"));
  put(f.host("lib/site-packages/old-1.dist-info/RECORD"), "old.pth" + digest);
  put(f.host("lib/site-packages/old-1.dist-info/METADATA"), "m");
  put(f.host("elsewhere/RECORD"), "forged.pth" + digest);
  f.begin(policy::TargetKind::environment);
  const auto in_layer = [&](const std::string& name) {
    return f.upper("lib/site-packages/" + name);
  };
  for (const char* name : {"listed.pth", "old.pth", "forged.pth", "other.pth", "hack/a/b.py"}) {
    put(in_layer(name), "x");
  }
  put(in_layer("hack/changed.py"), "not x");
  make_link(in_layer("link.pth"), "listed.pth");
  put(in_layer("new-1.dist-info/RECORD"), "listed.pth" + digest + "hack/a/b.py" + digest +
                                              "hack/changed.py" + digest + "link.pth" + digest);
  make_link(in_layer("linked-1.dist-info"), f.host("elsewhere"));
  make_dir(in_layer("odd-1.dist-info/RECORD"));
  put(f.upper("top.pth"), "x");
  const CommitSummary summary = f.commit();
  for (const char* name : {"listed.pth", "old.pth", "hack/a/b.py"}) {
    CAPTURE(name);
    CHECK(content(f.host(std::string("lib/site-packages/") + name)) == "x");
  }
  for (const char* path :
       {"lib/site-packages/forged.pth", "lib/site-packages/other.pth",
        "lib/site-packages/hack/changed.py", "lib/site-packages/link.pth", "top.pth"}) {
    CAPTURE(path);
    CHECK(held_reason(summary, path) == "unlisted");
    CHECK_FALSE(base::exists(f.host(path)));
  }
  CHECK(f.sink.count("change.protected") == 5);
}

TEST_CASE("a target's own mode is held as \".\", and committed by a person") {
  Fixture f;
  f.begin();
  REQUIRE(::chmod(f.upper().c_str(), 0700) == 0);
  put(f.upper("held"), "h");
  const CommitSummary summary = f.commit();
  CHECK_FALSE(held_reason(summary, ".").empty());
  CHECK(held_reason(summary, "").empty());
  RecordingSink sink;
  SUBCASE("with all else") { commit_held(f.run, {}, sink); }
  SUBCASE("after something else") {
    commit_held(f.run, {"held"}, sink);
    CHECK(mode(f.host()) == 0755);
    commit_held(f.run, {"."}, sink);
  }
  CHECK(mode(f.host()) == 0700);
  CHECK(content(f.host("held")) == "h");
  CHECK(f.is_run_clean());
}

TEST_CASE("a package.json of which more than dependencies changed is protected") {
  Fixture f;
  f.policy.targets[0].rules.insert(
      f.policy.targets[0].rules.begin(),
      {policy::Verdict::manifest, {"**/package.json"}, "it runs", {}, {}, {"dependencies"}});
  for (const char* path : {"package.json", "a/package.json", "b/package.json"}) {
    put(f.host(path), R"({"name":"x"})");
  }
  f.begin();
  put(f.upper("package.json"), R"({"name":"x","dependencies":{"y":"1"}})");
  put(f.upper("a/package.json"), R"({"name":"x","scripts":{"install":"evil"}})");
  put(f.upper("b/package.json"), "no JSON");
  SUBCASE("a script ran") {
    const CommitSummary summary = f.commit();
    CHECK(content(f.host("package.json")) == R"({"name":"x","dependencies":{"y":"1"}})");
    CHECK(content(f.host("a/package.json")) == R"({"name":"x"})");
    CHECK(held_reason(summary, "a/package.json") == "it runs: scripts");
    CHECK(held_reason(summary, "b/package.json") == "it runs (it can't be compared)");
    CHECK(summary.held.at(0).verdict == policy::Verdict::protect);
    CHECK(f.sink.count("change.protected") == 2);
  }
  SUBCASE("the package manager alone ran: it may do what it was asked for") {
    f.only_package_manager_ran = true;
    CHECK(f.commit().held.empty());
    CHECK(content(f.host("a/package.json")) == R"({"name":"x","scripts":{"install":"evil"}})");
  }
}

}  // namespace sandbox_run::workspace::test
