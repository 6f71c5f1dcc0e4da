#include "cli/review/keyboard.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include "base/sys_error.h"

namespace sandbox_run::cli {

TEST_CASE("what is no terminal gives no keys, and signals still end the process") {
  sigset_t before;
  REQUIRE(::sigprocmask(SIG_SETMASK, nullptr, &before) == 0);
  const base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK_THROWS_AS(Keyboard(null.get()), base::SysError);
  sigset_t after;
  REQUIRE(::sigprocmask(SIG_SETMASK, nullptr, &after) == 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    CHECK(::sigismember(&after, signal) == ::sigismember(&before, signal));
  }
}

}  // namespace sandbox_run::cli
