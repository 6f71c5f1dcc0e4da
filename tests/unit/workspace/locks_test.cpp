#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "base/sys_error.h"
#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

using policy::TargetKind;

bool is_free(const std::string& state, const Target& target) {
  try {
    const TargetLocks locks(state, {target});
    return true;
  } catch (const base::UserError&) {
    return false;
  }
}

}  // namespace

TEST_CASE("a target is one run's at a time, and the other is told whose") {
  const TemporaryDirectory state;
  const Target project{"/p/a", TargetKind::project, false};
  {
    const TargetLocks locks(state.path(), {project});
    try {
      const TargetLocks again(state.path(), {project});
      FAIL("locked twice");
    } catch (const base::UserError& error) {
      const std::string text = error.what();
      CHECK(text.find("/p/a is in use by process " + std::to_string(::getpid())) == 0);
    }
  }
  CHECK(is_free(state.path(), project));
}

TEST_CASE("a run keeps others out of what lies above and beneath, not beside") {
  const TemporaryDirectory state;
  const TargetLocks locks(state.path(), {{"/p/a", TargetKind::project, false}});
  CHECK_FALSE(is_free(state.path(), {"/p", TargetKind::project, false}));
  CHECK_FALSE(is_free(state.path(), {"/p/a/sub/dir", TargetKind::project, false}));
  CHECK(is_free(state.path(), {"/p/b", TargetKind::project, false}));
  CHECK(is_free(state.path(), {"/p/ab", TargetKind::project, false}));
}

TEST_CASE("a run may have a target within a target") {
  const TemporaryDirectory state;
  const TargetLocks locks(state.path(), {{"/p/a", TargetKind::project, false},
                                         {"/p/a/.venv", TargetKind::environment, false}});
  CHECK_FALSE(is_free(state.path(), {"/p/a/.venv", TargetKind::environment, false}));
}

TEST_CASE("a cache is shared") {
  const TemporaryDirectory state;
  const Target cache{"/home/u/.npm", TargetKind::cache, false};
  const TargetLocks locks(state.path(), {{"/p/a", TargetKind::project, false}, cache});
  const TargetLocks others(state.path(), {{"/p/b", TargetKind::project, false}, cache});
}

TEST_CASE("a lock ends with its process") {
  const TemporaryDirectory state;
  const Target project{"/p/a", TargetKind::project, false};
  const pid_t child = ::fork();
  if (child == 0) {
    const TargetLocks locks(state.path(), {project});
    ::_exit(0);
  }
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(is_free(state.path(), project));
}

}  // namespace sandbox_run::workspace::test
