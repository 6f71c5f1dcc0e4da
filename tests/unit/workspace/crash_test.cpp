// A commit killed at every one of its steps, and recovered: the project is the old or the new one,
// never a mix, and nothing is left behind.

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/path.h"
#include "base/sys_error.h"
#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

constexpr int kKilled = 9;
constexpr int kMaxSteps = 200;

void fill_host(const Fixture& f) {
  put(f.host("package.json"), "old");
  put(f.host("README"), "old");
  put(f.host("node_modules/old/i"), "old");
  put(f.host("packages/p/node_modules/gone/i"), "old");
  put(f.host("packages/p/node_modules/dep/i"), "old");
  put(f.host("out/was-file"), "old");
  make_dir(f.host("out/shut"), 0500);
}

void fill_layer(const Fixture& f) {
  put(f.upper("package.json"), "new");
  put(f.upper("README"), "held");
  put(f.upper("node_modules/new/i"), "new");
  make_dir(f.upper("node_modules/new"), 0500);
  f.mark_opaque("node_modules");
  f.whiteout("packages/p/node_modules/gone");
  put(f.upper("packages/p/node_modules/dep/i"), "new", 0400);
  put(f.upper("packages/q/node_modules/dep/i"), "new");
  put(f.upper("packages/q/held"), "held");
  put(f.upper("out/was-file/now-directory"), "new");
  f.mark_opaque("out/was-file");
  put(f.upper("out/shut/file"), "new");
  make_dir(f.upper("out/shut"), 0500);
  make_dir(f.upper("out"), 0700);
}

/// Runs `act` in a child that dies, as by SIGKILL, at step `victim` of those that `act`'s hook
/// sees. False: `act` came to its end before.
bool kill_at(int victim, const std::function<void(const StepHook&)>& act) {
  const pid_t child = base::check_sys(::fork(), "forking");
  if (child == 0) {
    int step = 0;
    try {
      act([&](const char*) {
        if (step++ == victim) ::_exit(kKilled);
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
  return WEXITSTATUS(status) == kKilled;
}

struct Trees {
  Snapshot before;
  Snapshot after;
};

Trees expected(const std::string& target_parent) {
  Fixture f(target_parent);
  fill_host(f);
  Trees trees;
  trees.before = snapshot(f.host());
  f.begin();
  fill_layer(f);
  f.commit();
  trees.after = snapshot(f.host());
  REQUIRE(trees.before != trees.after);
  REQUIRE(trees.after.at("out/shut/file") == "f 644 new");
  return trees;
}

void check_whole(const Fixture& f, const Trees& trees, int victim) {
  CAPTURE(victim);
  const Snapshot now = snapshot(f.host());
  CHECK((now == trees.before || now == trees.after));
  CHECK_FALSE(base::exists(f.run + "/journal"));
  CHECK_FALSE(base::exists(f.run + "/unfinished"));
  CHECK_FALSE(base::exists(f.run + "/trash"));
  // README and packages/q/held at least: nothing that was not committed is lost.
  CHECK(read_held(f.run).size() >= 2);
}

/// Fails at step `victim`, as a full disk lets it. The steps' names until the commit is over.
std::vector<std::string> fail_at(Fixture& f, std::size_t victim) {
  std::vector<std::string> steps;
  bool over = false;
  const StepHook hook = [&](const char* step) {
    over = over || steps.size() > victim || step == std::string_view("journal removed");
    if (over) return;
    steps.emplace_back(step);
    if (steps.size() > victim) throw base::SysError(ENOSPC, "a step");
  };
  try {
    commit_changes_in_steps(f.request(), f.sink, hook);
  } catch (const base::SysError&) {
    steps.emplace_back("failed");
  }
  return steps;
}

void fail_everywhere() {
  const Trees trees = expected("");
  std::size_t victim = 0;
  for (; victim < kMaxSteps; ++victim) {
    CAPTURE(victim);
    Fixture f;
    fill_host(f);
    f.begin();
    fill_layer(f);
    if (fail_at(f, victim).back() != "failed") break;
    const Snapshot now = snapshot(f.host());
    // What it says of itself is so.
    if (!is_commit_open(f.run)) CHECK(now == trees.before);
    f.recover();
    check_whole(f, trees, static_cast<int>(victim));
  }
  CHECK(victim > 10);
  CHECK(victim < kMaxSteps);
}

void kill_everywhere(const std::string& target_parent) {
  const Trees trees = expected(target_parent);
  int victim = 0;
  bool seen_old = false;
  bool seen_new = false;
  for (; victim < kMaxSteps; ++victim) {
    Fixture f(target_parent);
    fill_host(f);
    f.begin();
    fill_layer(f);
    if (!kill_at(victim, [&](const StepHook& hook) {
          commit_changes_in_steps(f.request(), f.sink, hook);
        })) {
      break;
    }
    // Recovery may be killed as well.
    if (victim % 3 == 1) {
      kill_at(victim % 7, [&](const StepHook& hook) { recover_run(f.run, f.sink, hook); });
    }
    f.recover();
    check_whole(f, trees, victim);
    (snapshot(f.host()) == trees.before ? seen_old : seen_new) = true;
    f.recover();  // nothing is left to do
    check_whole(f, trees, victim);
    if (snapshot(f.host()) != trees.before) continue;
    // What was undone can still be committed.
    RecordingSink sink;
    std::vector<std::string> chosen;
    for (const HeldChange& held : read_held(f.run)) {
      if (held.change.path != "README" && held.change.path != "packages/q/held") {
        chosen.push_back(held.change.path);
      }
    }
    commit_held(f.run, chosen, sink);
    CHECK(content(f.host("node_modules/new/i")) == "new");
    CHECK(content(f.host("package.json")) == "new");
  }
  CHECK(victim > 20);
  CHECK(victim < kMaxSteps);
  CHECK(seen_old);
  CHECK(seen_new);
}

}  // namespace

TEST_CASE("a commit that fails at any step says truly whether the project is as it was") {
  fail_everywhere();
}

TEST_CASE("killed at any step, a commit leaves the old tree or the new one") {
  kill_everywhere("");
}

TEST_CASE("killed at any step, a commit to another file system leaves the old tree or the new") {
  const std::string other = other_file_system();
  if (other.empty()) return skip("there is only one file system here");
  kill_everywhere(other);
}

TEST_CASE("recovery says what it did") {
  Fixture f;
  fill_host(f);
  f.begin();
  fill_layer(f);
  CHECK(kill_at(4,
                [&](const StepHook& hook) { commit_changes_in_steps(f.request(), f.sink, hook); }));
  f.recover();
  REQUIRE(f.sink.count("commit.recovered") == 1);
  CHECK(f.sink.find("commit.recovered")->details.at("outcome").as_string() == "finished");
  CHECK(content(f.host("package.json")) == "new");
}

TEST_CASE("a commit that fails at any step is undone, and all of it is held") {
  const Trees trees = expected("");
  int victim = 0;
  for (; victim < kMaxSteps; ++victim) {
    Fixture f;
    fill_host(f);
    f.begin();
    fill_layer(f);
    int step = 0;
    bool past_commit = false;
    try {
      commit_changes_in_steps(f.request(), f.sink, [&](const char* name) {
        past_commit = past_commit || name == std::string("operations done");
        if (past_commit || step++ != victim) return;
        throw base::SysError(ENOSPC, "testing");
      });
      break;
    } catch (const base::SysError& error) {
      CHECK(error.error_number() == ENOSPC);
    }
    check_whole(f, trees, victim);
    CHECK(snapshot(f.host()) == trees.before);
    RecordingSink sink;
    commit_held(f.run, {}, sink);
    CHECK(content(f.host("node_modules/new/i")) == "new");
    CHECK_FALSE(base::exists(f.host("node_modules/old")));
    CHECK(content(f.host("README")) == "held");
    CHECK(f.is_run_clean());
  }
  CHECK(victim > 10);
  CHECK(victim < kMaxSteps);
}

TEST_CASE("a project that can't be mended stops the next run, and is said") {
  Fixture f;
  fill_host(f);
  f.begin();
  fill_layer(f);
  CHECK(kill_at(6,
                [&](const StepHook& hook) { commit_changes_in_steps(f.request(), f.sink, hook); }));
  CHECK(::rename(f.host().c_str(), (f.host() + ".moved").c_str()) == 0);
  make_dir(f.host());
  CHECK_THROWS_AS(f.recover(), base::UserError);
  CHECK(snapshot(f.host()).size() == 1);
  CHECK(::rmdir(f.host().c_str()) == 0);
  CHECK(::rename((f.host() + ".moved").c_str(), f.host().c_str()) == 0);
  f.recover();
  CHECK(content(f.host("package.json")) == "new");
}

TEST_CASE("a journal that has lost its mark is recovered all the same") {
  Fixture f;
  fill_host(f);
  f.begin();
  fill_layer(f);
  CHECK(kill_at(6,
                [&](const StepHook& hook) { commit_changes_in_steps(f.request(), f.sink, hook); }));
  REQUIRE(base::exists(f.run + "/journal"));
  CHECK(::unlink((f.run + "/unfinished").c_str()) == 0);
  f.recover();
  CHECK_FALSE(base::exists(f.run + "/journal"));
  CHECK(content(f.host("package.json")) == "new");
}

TEST_CASE("killed at any step, a commit is over before a person's choice is acted upon") {
  const Trees trees = expected("");
  int victim = 0;
  for (; victim < kMaxSteps; ++victim) {
    CAPTURE(victim);
    Fixture f;
    fill_host(f);
    f.begin();
    fill_layer(f);
    if (!kill_at(victim, [&](const StepHook& hook) {
          commit_changes_in_steps(f.request(), f.sink, hook);
        })) {
      break;
    }
    RecordingSink sink;
    if (victim % 2 == 0) {
      CHECK_THROWS_AS(commit_held(f.run, {"no/such/path"}, sink), base::UserError);
    } else {
      discard_held(f.run, {"README"}, sink);
    }
    const Snapshot now = snapshot(f.host());
    CHECK((now == trees.before || now == trees.after));
    CHECK_FALSE(base::exists(f.run + "/journal"));
    CHECK_FALSE(base::exists(f.run + "/unfinished"));
    CHECK_FALSE(read_held(f.run).empty());
  }
  CHECK(victim > 20);
}

TEST_CASE("a run of another project is left to its own next start") {
  Fixture f;
  fill_host(f);
  f.begin();
  fill_layer(f);
  CHECK(kill_at(6,
                [&](const StepHook& hook) { commit_changes_in_steps(f.request(), f.sink, hook); }));
  recover_interrupted(f.state, {{"/some/where/else", policy::TargetKind::project, false}}, f.sink);
  CHECK(base::exists(f.run + "/journal"));
  f.recover();
  CHECK_FALSE(base::exists(f.run + "/journal"));
}

TEST_CASE("a commit that is still under way is not recovered") {
  Fixture f;
  fill_host(f);
  f.begin();
  fill_layer(f);
  commit_changes_in_steps(f.request(), f.sink, [&](const char* step) {
    if (step == std::string("operation"))
      CHECK_FALSE(recover_run(f.run, f.sink, [](const char*) {}));
  });
  CHECK(f.sink.count("commit.recovered") == 0);
}

TEST_CASE("a run that was killed before its commit leaves no layer to the next") {
  Fixture f;
  put(f.host("README"), "old");
  f.begin();
  fill_layer(f);
  f.recover();
  CHECK(f.is_run_clean());
  CHECK(content(f.host("README")) == "old");
}

TEST_CASE("a run that shares but a cache with the next may live, and is left alone") {
  Fixture f;
  f.begin(policy::TargetKind::cache);
  put(f.upper("entry"), "new");
  f.recover();
  CHECK(content(f.upper("entry")) == "new");
}

TEST_CASE("no state directory: nothing to recover") {
  const TemporaryDirectory base;
  RecordingSink sink;
  recover_interrupted(base.path() + "/missing", {}, sink);
  recover_interrupted(base.path(), {}, sink);
  CHECK(sink.events.empty());
}

}  // namespace sandbox_run::workspace::test
