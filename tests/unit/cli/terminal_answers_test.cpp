#include "cli/terminal_answers.h"

#include <doctest/doctest.h>

namespace sandbox_run::cli {

TEST_CASE("a terminal's answers are told from keys") {
  CHECK(without_answers("echo a\x1b[24;80R b\n") == "echo a b\n");
  CHECK(without_answers("\x1b[?62;22c\x1b[0nls\x1b[8;24;80t\x1b[?1u") == "ls");
  CHECK(without_answers("\x1b]11;rgb:0000/0000/0000\x07x\x1b]l;title\x1b\\y") == "xy");
  CHECK(without_answers("\x1bP1$r0m\x1b\\z\x1b_Gi=1;OK\x1b\\") == "z");
  CHECK(without_answers("\x1b]never ends") == "");
  for (const char* keys : {"\x1b[A", "\x1bOP", "\x1b[1;5C", "\x1b[3~", "\x1b", "\x1b[",
                           "\x1b[97;5u", "\x1b[R", "plain \xc3\xa4\n", "\x1b\x1b[A"}) {
    CAPTURE(keys);
    CHECK(without_answers(keys) == keys);
  }
}

}  // namespace sandbox_run::cli
