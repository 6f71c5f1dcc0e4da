#include "cli/large_trees.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "base/io.h"
#include "scratch_directory.h"

namespace sandbox_run::cli {
namespace {

plan::LargeTrees trees(std::int64_t found) {
  return {{"/opt/a b", {12, 34, found}}, {"/usr/local/x", {5, -6, found}}};
}

}  // namespace

TEST_CASE("large trees are known to later runs of a day") {
  const test::ScratchDirectory scratch;
  const std::string state = scratch.file("state/sandbox-run");
  CHECK(read_large_trees(state).empty());
  write_large_trees(state, trees(std::time(nullptr)));
  CHECK(read_large_trees(state) == trees(0));
  constexpr std::int64_t kDay = 86400;
  write_large_trees(state, trees(std::time(nullptr) - kDay));
  CHECK(read_large_trees(state).empty());
}

TEST_CASE("of a list that is none nothing is believed, of a line that is none not that line") {
  const test::ScratchDirectory scratch;
  const std::string list = scratch.file("large-trees");
  const std::string now = std::to_string(std::time(nullptr));
  base::write_file(list, now + " 1 2 /opt/a\n", 0600);
  CHECK(read_large_trees(scratch.path()).empty());
  const std::string text =
      "sandbox-run large trees 2\n" + now + " 1 x /opt/a\n\n" + now + " 7 8 /opt/b\n9";
  base::write_file(list, text, 0600);
  CHECK(read_large_trees(scratch.path()) == plan::LargeTrees{{"/opt/b", {7, 8, 0}}});
  base::write_file(list, text + std::string(2U << 20, 'x'), 0600);
  CHECK(read_large_trees(scratch.path()).empty());
  REQUIRE(::unlink(list.c_str()) == 0);
  REQUIRE(::mkfifo(list.c_str(), 0600) == 0);
  CHECK(read_large_trees(scratch.path()).empty());
}

}  // namespace sandbox_run::cli
