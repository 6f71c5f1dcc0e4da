#include "cli/large_trees.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "scratch_directory.h"

namespace sandbox_run::cli {
namespace {

const plan::LargeTrees kTrees{{"/opt/a b", {12, 34}}, {"/usr/local/x", {5, -6}}};

}  // namespace

TEST_CASE("large trees are known to later runs of a day") {
  const test::ScratchDirectory scratch;
  const std::string state = scratch.file("state/sandbox-run");
  CHECK(read_large_trees(state).empty());
  write_large_trees(state, kTrees);
  CHECK(read_large_trees(state) == kTrees);
  const timespec old[2] = {{1, 0}, {1, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (state + "/large-trees").c_str(), old, 0) == 0);
  CHECK(read_large_trees(state).empty());
}

TEST_CASE("of a list that is none nothing is believed, of a line that is none not that line") {
  const test::ScratchDirectory scratch;
  const std::string list = scratch.file("large-trees");
  base::write_file(list, "1 2 /opt/a\n", 0600);
  CHECK(read_large_trees(scratch.path()).empty());
  base::write_file(list, "sandbox-run large trees 1\n1 x /opt/a\n\n7 8 /opt/b\n9", 0600);
  CHECK(read_large_trees(scratch.path()) == plan::LargeTrees{{"/opt/b", {7, 8}}});
}

}  // namespace sandbox_run::cli
