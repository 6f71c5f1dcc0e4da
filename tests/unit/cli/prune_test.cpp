#include "cli/commands/prune.h"

#include <doctest/doctest.h>

#include "base/io.h"
#include "base/path.h"
#include "scratch_directory.h"
#include "workspace/held_list.h"
#include "workspace/tree.h"

namespace sandbox_run::cli {
namespace {

constexpr const char* kOldRun = "20200101T120000.123-4711";

/// A state directory with one old run, whose commit has left old entries to be removed later.
struct State {
  State() {
    const base::UniqueFd fd = workspace::open_real_directory(run);
    workspace::write_held(fd.get(), {});
    base::write_file(run + "/unfinished", "", 0600);
    base::write_file(scratch.make("runs/" + std::string(kOldRun) + "/trash/old") + "/file", "x",
                     0600);
  }
  std::string prune(PruneRule::Act act) const {
    PruneRule rule;
    rule.older_than = std::chrono::hours(24);
    rule.act = act;
    return prune_runs(scratch.path(), rule);
  }
  test::ScratchDirectory scratch;
  std::string run = scratch.make("runs/" + std::string(kOldRun));
};

TEST_CASE("prune removes what a commit has left, and then the run") {
  const State state;
  const std::string text = state.prune(PruneRule::Act::remove);
  CHECK(text.find(std::string("removed ") + kOldRun) != std::string::npos);
  CHECK_FALSE(base::exists(state.run));
}

TEST_CASE("prune --dry-run says the same and touches nothing") {
  const State state;
  const std::string text = state.prune(PruneRule::Act::only_say);
  CHECK(text.find(std::string("would remove ") + kOldRun) != std::string::npos);
  CHECK(base::exists(state.run + "/unfinished"));
  CHECK(base::exists(state.run + "/trash/old/file"));
}

TEST_CASE("prune keeps a run whose commit was interrupted, and so does --dry-run") {
  for (const PruneRule::Act act : {PruneRule::Act::remove, PruneRule::Act::only_say}) {
    const State state;
    base::write_file(state.run + "/journal", "", 0600);
    const std::string text = state.prune(act);
    CHECK(text.find("its commit is unfinished") != std::string::npos);
    CHECK(base::exists(state.run + "/trash/old/file"));
  }
}

}  // namespace
}  // namespace sandbox_run::cli
