// A commit is taken back: the tree is what it was before, or all stays as it is.

#include "workspace/undo.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/path.h"
#include "base/sys_error.h"
#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

constexpr int kUndoKilled = 9;
constexpr int kMaxUndoSteps = 100;

void fill_undone_host(const Fixture& f) {
  put(f.host("package.json"), "old");
  put(f.host("README"), "old");
  put(f.host("node_modules/old/i"), "old", 0755);
  base::check_sys(::symlink("../old/i", f.host("node_modules/link").c_str()), "linking");
  put(f.host("packages/p/node_modules/gone/i"), "old", 0400);
  make_dir(f.host("packages/p/node_modules/gone"), 0700);
  put(f.host("packages/p/node_modules/dep/i"), "old");
  make_dir(f.host("out/shut"), 0500);
}

void fill_undone_layer(const Fixture& f) {
  put(f.upper("package.json"), "new");
  put(f.upper("README"), "held");
  put(f.upper("node_modules/new/i"), "new");
  f.mark_opaque("node_modules");
  f.whiteout("packages/p/node_modules/gone");
  put(f.upper("packages/p/node_modules/dep/i"), "new", 0400);
  put(f.upper("out/shut/file"), "new");
  make_dir(f.upper("out/shut"), 0500);
}

CommitSummary commit_and_keep(Fixture& f) {
  CommitRequest request = f.request();
  request.old_entries = OldEntries::keep;
  CommitSummary summary = commit_changes(request, f.sink);
  if (summary.left_to_clean_up) clean_up(f.run);
  return summary;
}

struct Committed {
  Fixture f;
  Snapshot before;
  Snapshot after;
  Committed() {
    fill_undone_host(f);
    before = snapshot(f.host());
    f.begin();
    fill_undone_layer(f);
    commit_and_keep(f);
    after = snapshot(f.host());
    REQUIRE(before != after);
    REQUIRE(can_be_undone(f.run));
  }
};

TEST_CASE("an undone commit leaves the tree as it was before, modes and links too") {
  Committed c;
  undo_commit(c.f.run);
  CHECK(snapshot(c.f.host()) == c.before);
  CHECK_FALSE(can_be_undone(c.f.run));
  CHECK_FALSE(base::exists(c.f.run + "/trash"));
  CHECK_FALSE(base::exists(c.f.run + "/unfinished"));
  CHECK_THROWS_WITH_AS(undo_commit(c.f.run), doctest::Contains("not kept"), base::UserError);
  CHECK(snapshot(c.f.host()) == c.before);
}

TEST_CASE("what was undone is held, and can be committed again") {
  Committed c;
  undo_commit(c.f.run);
  std::vector<std::string> chosen;
  for (const HeldChange& held : read_held(c.f.run)) {
    if (held.change.path != "README") chosen.push_back(held.change.path);
  }
  commit_held(c.f.run, chosen, c.f.sink);
  CHECK(snapshot(c.f.host()) == c.after);
  REQUIRE(read_held(c.f.run).size() == 1);
  discard_held(c.f.run, {}, c.f.sink);
  CHECK(snapshot(c.f.host()) == c.after);
}

TEST_CASE("nothing is undone, and it is said why, where something has changed since") {
  struct Edit {
    const char* path;
    std::function<void(const std::string&)> act;
  };
  const Edit edits[] = {
      {"node_modules/new/i", [](const std::string& path) { std::ofstream(path) << "mine"; }},
      {"node_modules/new", [](const std::string& path) { put(path + "/mine", "mine"); }},
      {"package.json", [](const std::string& path) { put(path, "mine"); }},
      {"package.json", [](const std::string& path) { ::unlink(path.c_str()); }},
      {"packages/p/node_modules/gone", [](const std::string& path) { put(path, "mine"); }},
      {"packages/p/node_modules/dep/i",
       [](const std::string& path) { ::chmod(path.c_str(), 0600); }},
      {"out/shut/file", [](const std::string& path) { ::chmod(path.c_str(), 0600); }}};
  for (const Edit& edit : edits) {
    CAPTURE(edit.path);
    Committed c;
    ::usleep(20'000);  // the kernel's clock for files goes in ticks
    edit.act(c.f.host(edit.path));
    const Snapshot mine = snapshot(c.f.host());
    CHECK_THROWS_WITH_AS(undo_commit(c.f.run), doctest::Contains(edit.path), base::UserError);
    CHECK(snapshot(c.f.host()) == mine);
    CHECK(can_be_undone(c.f.run));
    CHECK_FALSE(base::exists(c.f.run + "/unfinished"));
  }
}

TEST_CASE("what lies beside the commit may change") {
  Committed c;
  ::usleep(20'000);
  put(c.f.host("src/mine"), "mine");
  undo_commit(c.f.run);
  Snapshot now = snapshot(c.f.host());
  CHECK(now.erase("src") == 1);
  CHECK(now.erase("src/mine") == 1);
  CHECK(now == c.before);
}

TEST_CASE("an undo that is killed anywhere is whole or not begun, and can be gone on with") {
  for (int victim = 0; victim < kMaxUndoSteps; ++victim) {
    CAPTURE(victim);
    Committed c;
    const pid_t child = base::check_sys(::fork(), "forking");
    if (child == 0) {
      int step = 0;
      try {
        undo_commit_in_steps(c.f.run, [&](const char*) {
          if (step++ == victim) ::_exit(kUndoKilled);
        });
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    int status = 0;
    base::check_sys(::waitpid(child, &status, 0), "waiting");
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) != 1);
    c.f.recover();
    const Snapshot now = snapshot(c.f.host());
    if (can_be_undone(c.f.run)) {
      CHECK(now == c.after);
      undo_commit(c.f.run);
    }
    CHECK(snapshot(c.f.host()) == c.before);
    CHECK_FALSE(base::exists(c.f.run + "/unfinished"));
    if (WEXITSTATUS(status) == 0) return;
  }
  FAIL("no undo came to its end");
}

TEST_CASE("what is kept goes when it is told to, or when something held is decided") {
  {
    Committed c;
    CHECK(base::exists(c.f.run + "/trash"));
    forget_replaced(c.f.run);
    CHECK_FALSE(base::exists(c.f.run + "/trash"));
    CHECK_FALSE(can_be_undone(c.f.run));
    CHECK(snapshot(c.f.host()) == c.after);
  }
  Committed c;
  commit_held(c.f.run, {"README"}, c.f.sink);
  CHECK(content(c.f.host("README")) == "held");
  CHECK(content(c.f.host("package.json")) == "new");
  CHECK_FALSE(can_be_undone(c.f.run));
  CHECK(read_held(c.f.run).empty());
}

TEST_CASE("on another file system nothing is kept") {
  const std::string other = other_file_system();
  if (other.empty()) return skip("there is no other file system");
  Fixture f(other);
  fill_undone_host(f);
  f.begin();
  fill_undone_layer(f);
  commit_and_keep(f);
  CHECK(content(f.host("package.json")) == "new");
  CHECK_FALSE(can_be_undone(f.run));
}

TEST_CASE("a kept journal that leads elsewhere moves nothing") {
  Committed c;
  put(c.f.run + "/../../secret", "mine");
  Journal forged;
  struct stat status {};
  base::check_sys(::stat(c.f.host().c_str(), &status), "looking");
  forged.roots = {{c.f.host(), status.st_ino}, {c.f.state, 0}};
  forged.targets = {c.f.host()};
  Operation move;
  move.from = {1, "secret"};
  move.to = {0, "package.json"};
  base::check_sys(::stat(c.f.host("package.json").c_str(), &status), "looking");
  move.inode = status.st_ino;
  forged.operations = {move};
  const RunDirectory run = open_run(c.f.run);
  write_journal(run.fd.get(), forged);
  keep_journal(run.fd.get());
  CHECK_THROWS(undo_commit(c.f.run));
  CHECK(snapshot(c.f.host()) == c.after);
}

}  // namespace
}  // namespace sandbox_run::workspace::test
