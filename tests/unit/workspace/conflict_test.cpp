#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/path.h"
#include "base/sys_error.h"
#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

void check_conflict(const CommitSummary& summary, const std::string& path) {
  REQUIRE(summary.held.size() == 1);
  CHECK(summary.held[0].change.path == path);
  CHECK(summary.held[0].reason == "changed on the host meanwhile");
}

}  // namespace

TEST_CASE("a file that the host edited during the run is not overwritten") {
  Fixture f;
  put(f.host("package.json"), "old");
  f.begin();
  put(f.upper("package.json"), "sandbox's");
  edit_during_run(f, "package.json", "the user's");
  check_conflict(f.commit(), "package.json");
  CHECK(content(f.host("package.json")) == "the user's");
  CHECK(content(f.upper("package.json")) == "sandbox's");
}

TEST_CASE("a file that was saved just before the run is no conflict") {
  for (int i = 0; i < 20; ++i) {
    Fixture f;
    put(f.host("package.json"), "old");
    (void)::chmod(f.host("package.json").c_str(), 0600);
    f.begin();
    put(f.upper("package.json"), "new");
    CHECK(f.commit().held.empty());
  }
}

TEST_CASE("a file that appeared on the host where the layer adds one is kept") {
  Fixture f;
  f.begin();
  put(f.upper("package-lock.json"), "sandbox's");
  edit_during_run(f, "package-lock.json", "the user's");
  check_conflict(f.commit(), "package-lock.json");
  CHECK(content(f.host("package-lock.json")) == "the user's");
}

TEST_CASE("a directory in which the host edited a file is not removed or replaced") {
  Fixture f;
  put(f.host("node_modules/a/deep/file"), "old");
  put(f.host("out/deep/file"), "old");
  f.begin();
  put(f.upper("node_modules/new/file"), "new");
  f.mark_opaque("node_modules");
  f.whiteout("out");
  edit_during_run(f, "node_modules/a/deep/file", "edited");
  edit_during_run(f, "out/deep/file", "edited");
  const CommitSummary summary = f.commit();
  CHECK(summary.held.size() == 2);
  CHECK(content(f.host("node_modules/a/deep/file")) == "edited");
  CHECK(content(f.host("out/deep/file")) == "edited");
}

TEST_CASE("a parent directory that became a link on the host is not followed") {
  Fixture f;
  const TemporaryDirectory elsewhere;
  put(f.host("node_modules/a/x"), "1");
  put(elsewhere.path() + "/x", "precious");
  f.begin();
  put(f.upper("node_modules/a/x"), "2");
  f.mark_copied_up("node_modules/a");
  CHECK(::rename(f.host("node_modules/a").c_str(), f.host("moved").c_str()) == 0);
  CHECK(::symlink(elsewhere.path().c_str(), f.host("node_modules/a").c_str()) == 0);
  check_conflict(f.commit(), "node_modules/a");
  CHECK(content(elsewhere.path() + "/x") == "precious");
  CHECK(content(f.host("moved/x")) == "1");
}

TEST_CASE("a directory that vanished from the host is a conflict") {
  Fixture f;
  put(f.host("node_modules/a/x"), "1");
  f.begin();
  put(f.upper("node_modules/a/x"), "2");
  f.mark_copied_up("node_modules/a");
  CHECK(::rename(f.host("node_modules/a").c_str(), f.host("moved").c_str()) == 0);
  check_conflict(f.commit(), "node_modules/a");
  CHECK_FALSE(base::exists(f.host("node_modules/a")));
}

TEST_CASE("a project that was moved away during the run gets nothing, and nothing is lost") {
  Fixture f;
  put(f.host("a"), "1");
  f.begin();
  put(f.upper("node_modules/a/x"), "2");
  CHECK(::rename(f.host().c_str(), (f.host() + ".moved").c_str()) == 0);
  SUBCASE("nothing is in its place") {}
  SUBCASE("another directory is in its place") { make_dir(f.host()); }
  SUBCASE("a link to it is in its place") {
    CHECK(::symlink((f.host() + ".moved").c_str(), f.host().c_str()) == 0);
  }
  check_conflict(f.commit(), "node_modules");
  CHECK(content(f.upper("node_modules/a/x")) == "2");
  CHECK_FALSE(base::exists(f.host("node_modules")));
}

TEST_CASE("an edit between the judging and the rename is seen, too") {
  Fixture f;
  put(f.host("package.json"), "old");
  put(f.host("node_modules/a/x"), "1");
  f.begin();
  put(f.upper("package.json"), "sandbox's");
  put(f.upper("node_modules/b/x"), "2");
  f.mark_opaque("node_modules");
  bool edited = false;
  const CommitSummary summary = commit_changes_in_steps(f.request(), f.sink, [&](const char* step) {
    if (edited || step != std::string("journal written")) return;
    edited = true;
    edit_during_run(f, "package.json.new", "the user's");
    CHECK(::rename(f.host("package.json.new").c_str(), f.host("package.json").c_str()) == 0);
  });
  check_conflict(summary, "package.json");
  CHECK(content(f.host("package.json")) == "the user's");
  CHECK(content(f.host("node_modules/b/x")) == "2");
}

}  // namespace sandbox_run::workspace::test
