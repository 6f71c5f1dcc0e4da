#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sys_error.h"
#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

/// src/a changed, src/gone removed, tool/{x,y} new, .git/hooks/h new; package.json committed.
void run_with_held_changes(Fixture& f) {
  put(f.host("src/a"), "a");
  put(f.host("src/gone"), "g");
  put(f.host(".git/config"), "c");
  f.begin();
  put(f.upper("src/a"), "A");
  f.whiteout("src/gone");
  put(f.upper("tool/x"), "x", 04755);
  put(f.upper("tool/y"), "y");
  put(f.upper(".git/hooks/h"), "h");
  put(f.upper("package.json"), "p");
  f.commit();
}

}  // namespace

TEST_CASE("all that is held can be committed later") {
  Fixture f;
  run_with_held_changes(f);
  RecordingSink sink;
  const CommitSummary summary = commit_held(f.run, {}, sink);
  CHECK(content(f.host("src/a")) == "A");
  CHECK_FALSE(base::exists(f.host("src/gone")));
  CHECK(content(f.host(".git/hooks/h")) == "h");
  CHECK(mode(f.host("tool/x")) == 0755);
  CHECK(summary.stripped == 1);
  CHECK(summary.held.empty());
  CHECK(f.is_run_clean());
}

TEST_CASE(
    "when the project was made anew, nothing held is committed to it, and all can be discarded") {
  Fixture f;
  run_with_held_changes(f);
  REQUIRE(::rename(f.host().c_str(), (f.host() + ".old").c_str()) == 0);
  put(f.host("other"), "o");
  RecordingSink sink;
  const CommitSummary summary = commit_held(f.run, {}, sink);
  CHECK(snapshot(f.host()) == Snapshot{{"", "d 755"}, {"other", "f 644 o"}});
  CHECK(summary.held.size() == read_held(f.run).size());
  REQUIRE_FALSE(summary.held.empty());
  CHECK(summary.held[0].reason == "changed on the host meanwhile");
  discard_held(f.run, {}, sink);
  CHECK(snapshot(f.host()) == Snapshot{{"", "d 755"}, {"other", "f 644 o"}});
  CHECK(f.is_run_clean());
}

TEST_CASE("a person's choice alone is committed, at any depth") {
  Fixture f;
  run_with_held_changes(f);
  RecordingSink sink;
  const CommitSummary summary = commit_held(f.run, {"tool/x", "src/gone"}, sink);
  CHECK(content(f.host("tool/x")) == "x");
  CHECK_FALSE(base::exists(f.host("tool/y")));
  CHECK_FALSE(base::exists(f.host("src/gone")));
  CHECK(content(f.host("src/a")) == "a");
  CHECK_FALSE(base::exists(f.host(".git/hooks")));
  CHECK(summary.held.size() == 3);
  CHECK(sink.count("change.protected") == 0);  // said when it was held
  commit_held(f.run, {"tool"}, sink);
  CHECK(content(f.host("tool/y")) == "y");
  CHECK(content(f.host("tool/x")) == "x");
  CHECK(read_held(f.run).size() == 2);
}

TEST_CASE("a full path is that of its target, one above the target all of it") {
  Fixture f;
  run_with_held_changes(f);
  RecordingSink sink;
  CHECK_THROWS_AS(commit_held(f.run, {"/elsewhere/src/a"}, sink), base::UserError);
  commit_held(f.run, {f.host("src/a")}, sink);
  CHECK(content(f.host("src/a")) == "A");
  CHECK_FALSE(base::exists(f.host("tool")));
  commit_held(f.run, {base::parent_path(f.host())}, sink);
  CHECK(content(f.host("tool/x")) == "x");
  CHECK(f.is_run_clean());
}

TEST_CASE("a directory's mode is chosen without what is in it") {
  Fixture f;
  make_dir(f.host("src"), 0755);
  put(f.host("src/a"), "a");
  f.begin();
  put(f.upper("src/a"), "A");
  make_dir(f.upper("src"), 0700);
  f.mark_copied_up("src");
  ::chmod(f.upper("src").c_str(), 0700);
  f.commit();
  REQUIRE(read_held(f.run).size() == 2);
  RecordingSink sink;
  commit_held(f.run, {f.host("src") + "/."}, sink);
  CHECK(mode(f.host("src")) == 0700);
  CHECK(content(f.host("src/a")) == "a");
  CHECK(read_held(f.run).size() == 1);
}

TEST_CASE("what is discarded is gone from the layer and never reaches the host") {
  Fixture f;
  run_with_held_changes(f);
  RecordingSink sink;
  discard_held(f.run, {".git", "tool/x"}, sink);
  CHECK_FALSE(base::exists(f.upper(".git")));
  CHECK_FALSE(base::exists(f.upper("tool/x")));
  CHECK(read_held(f.run).size() == 3);
  commit_held(f.run, {}, sink);
  CHECK_FALSE(base::exists(f.host(".git/hooks")));
  CHECK_FALSE(base::exists(f.host("tool/x")));
  CHECK(content(f.host("tool/y")) == "y");
  CHECK(f.is_run_clean());
}

TEST_CASE("all that is held can be discarded") {
  Fixture f;
  run_with_held_changes(f);
  const Snapshot before = snapshot(f.host());
  RecordingSink sink;
  discard_held(f.run, {}, sink);
  CHECK(snapshot(f.host()) == before);
  CHECK(f.is_run_clean());
}

TEST_CASE("a path of which nothing is held is a mistake that is said") {
  Fixture f;
  run_with_held_changes(f);
  RecordingSink sink;
  CHECK_THROWS_AS(commit_held(f.run, {"node_modules"}, sink), base::UserError);
  CHECK(read_held(f.run).size() == 4);
  discard_held(f.run, {}, sink);
  CHECK_THROWS_AS(commit_held(f.run, {}, sink), base::UserError);
}

TEST_CASE("a held file that the host has edited since is not overwritten") {
  Fixture f;
  run_with_held_changes(f);
  edit_during_run(f, "src/a", "the user's");
  RecordingSink sink;
  const CommitSummary summary = commit_held(f.run, {}, sink);
  CHECK(content(f.host("src/a")) == "the user's");
  REQUIRE(summary.held.size() == 1);
  CHECK(summary.held[0].reason == "changed on the host meanwhile");
}

TEST_CASE("what was committed first is not taken back by what is committed later") {
  Fixture f;
  put(f.host("app/node_modules/old/i"), "old");
  put(f.host("app/src"), "src");
  f.begin();
  put(f.upper("app/node_modules/new/i"), "new");
  put(f.upper("app/added"), "added");
  f.mark_opaque("app");
  make_dir(f.upper("app"), 0700);
  f.commit();
  CHECK(content(f.host("app/node_modules/new/i")) == "new");
  CHECK(read_held(f.run).size() == 3);  // app's mode, app/src removed, app/added
  RecordingSink sink;
  commit_held(f.run, {}, sink);
  CHECK(snapshot(f.host("app")) == Snapshot{{"", "d 700"},
                                            {"added", "f 644 added"},
                                            {"node_modules", "d 755"},
                                            {"node_modules/new", "d 755"},
                                            {"node_modules/new/i", "f 644 new"}});
  CHECK(f.is_run_clean());
}

}  // namespace sandbox_run::workspace::test
