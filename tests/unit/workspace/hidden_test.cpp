// A directory that the command empties first is hidden from it, and exchanged when it is done.

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

void begin_hidden(Fixture& f) {
  f.targets = {{.path = f.host(), .kind = policy::TargetKind::project, .hidden = {"node_modules"}}};
  f.layers = make_layers(f.run, f.targets);
}

bool is_hidden(const Fixture& f) { return base::is_directory(f.upper("node_modules")); }

}  // namespace

TEST_CASE("a hidden directory is exchanged for what the command made in its place") {
  Fixture f;
  put(f.host("node_modules/old/index.js"), "old");
  begin_hidden(f);
  REQUIRE(is_hidden(f));
  put(f.upper("node_modules/new/index.js"), "new");
  const CommitSummary summary = f.commit();
  CHECK(content(f.host("node_modules/new/index.js")) == "new");
  CHECK_FALSE(base::exists(f.host("node_modules/old")));
  CHECK(attributes(f.host("node_modules")).empty());
  CHECK(summary.held.empty());
  CHECK(f.is_run_clean());
}

TEST_CASE("a hidden directory that is left empty was not emptied: it stays as it was") {
  Fixture f;
  put(f.host("node_modules/old/index.js"), "old");
  begin_hidden(f);
  put(f.upper("package-lock.json"), "new");
  const CommitSummary summary = f.commit();
  CHECK(content(f.host("node_modules/old/index.js")) == "old");
  CHECK(content(f.host("package-lock.json")) == "new");
  CHECK(summary.committed_entries == 1);
  CHECK(f.is_run_clean());
}

TEST_CASE("a hidden directory that the command removed is removed") {
  Fixture f;
  put(f.host("node_modules/old/index.js"), "old");
  begin_hidden(f);
  CHECK(::rmdir(f.upper("node_modules").c_str()) == 0);
  f.whiteout("node_modules");
  f.commit();
  CHECK_FALSE(base::exists(f.host("node_modules")));
}

TEST_CASE("a failed command's hidden directory stays as it was") {
  Fixture f;
  put(f.host("node_modules/old/index.js"), "old");
  begin_hidden(f);
  put(f.upper("node_modules/new/index.js"), "half");
  f.commit_project = false;
  f.commit();
  CHECK(content(f.host("node_modules/old/index.js")) == "old");
  CHECK_FALSE(base::exists(f.host("node_modules/new")));
}

TEST_CASE("a hidden directory that a person changed meanwhile is not exchanged") {
  Fixture f;
  put(f.host("node_modules/old/index.js"), "old");
  begin_hidden(f);
  put(f.upper("node_modules/new/index.js"), "new");
  edit_during_run(f, "node_modules/old/index.js", "debugging");
  const CommitSummary summary = f.commit();
  CHECK(content(f.host("node_modules/old/index.js")) == "debugging");
  CHECK(summary.held.size() == 1);
}

TEST_CASE("what can't be exchanged is not hidden") {
  Fixture f;
  SUBCASE("there is none") {}
  SUBCASE("a link") {
    make_dir(f.host("elsewhere"));
    CHECK(::symlink("elsewhere", f.host("node_modules").c_str()) == 0);
  }
  SUBCASE("a file") { put(f.host("node_modules"), "x"); }
  begin_hidden(f);
  CHECK_FALSE(is_hidden(f));
  CHECK(f.layers[0].target.path == f.host());
}

TEST_CASE("a hidden directory looks like the host's, but empty") {
  Fixture f;
  put(f.host("node_modules/old"), "old");
  CHECK(::chmod(f.host("node_modules").c_str(), 0750) == 0);
  begin_hidden(f);
  Snapshot inside;
  const bool mounted = in_overlay(f.layers[0], [] {
    CHECK(mode("node_modules") == 0750);
    CHECK_FALSE(base::exists("node_modules/old"));
    put("node_modules/new", "new");
  });
  if (!mounted) return skip("no overlay may be mounted here");
  f.commit();
  CHECK(snapshot(f.host("node_modules")) == Snapshot{{"", "d 750"}, {"new", "f 644 new"}});
}

}  // namespace sandbox_run::workspace::test
