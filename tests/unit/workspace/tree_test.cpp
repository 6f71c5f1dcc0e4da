#include "workspace/tree.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sys_error.h"
#include "support.h"
#include "workspace/removal.h"

namespace sandbox_run::workspace::test {

TEST_CASE("no link is followed on the way to a directory") {
  const TemporaryDirectory base;
  make_dir(base.path() + "/real/sub");
  CHECK(::symlink("real", (base.path() + "/link").c_str()) == 0);
  const base::UniqueFd root(::open(base.path().c_str(), O_RDONLY | O_DIRECTORY));
  CHECK(base::UniqueFd(try_open_directory(root.get(), "real/sub")));
  for (const char* path : {"link/sub", "link", "../", "/", "real/../real/../../"}) {
    CAPTURE(path);
    CHECK_FALSE(base::UniqueFd(try_open_directory(root.get(), path)));
  }
  CHECK_THROWS_AS(open_real_directory(base.path() + "/link/sub"), base::SysError);
}

TEST_CASE("a directory that shuts its owner out is passable for a while") {
  const TemporaryDirectory base;
  make_dir(base.path() + "/a/b/c");
  make_dir(base.path() + "/a/b", 0000);
  make_dir(base.path() + "/a", 0400);
  const base::UniqueFd root(::open(base.path().c_str(), O_RDONLY | O_DIRECTORY));
  {
    PassableScope passable(root.get());
    CHECK(passable.open_with_parents("a/b/c"));
    CHECK(::faccessat(root.get(), "a/b/c", W_OK, AT_EACCESS) == 0);
  }
  CHECK(mode(base.path() + "/a") == 0400);
  ::chmod((base.path() + "/a").c_str(), 0700);
  CHECK(mode(base.path() + "/a/b") == 0000);
}

TEST_CASE("a directory that was read is not marked as read; another's can be read, too") {
  const TemporaryDirectory base;
  make_dir(base.path() + "/a/b");
  const timespec times[2] = {{1000, 0}, {0, UTIME_NOW}};
  REQUIRE(::utimensat(AT_FDCWD, (base.path() + "/a").c_str(), times, 0) == 0);
  const base::UniqueFd root(::open(base.path().c_str(), O_RDONLY | O_DIRECTORY));
  std::vector<char> buffer;
  int entries = 0;
  for_each_entry(open_directory(root.get(), "a").get(), buffer,
                 [&](const char*, unsigned char) { ++entries; });
  CHECK(entries == 1);
  struct stat status {};
  CHECK(stat_entry(root.get(), "a", status));
  CHECK(status.st_atim.tv_sec == 1000);
  CHECK(open_real_directory("/usr"));
}

TEST_CASE("removing follows no link and is stopped by no mode") {
  const TemporaryDirectory base;
  put(base.path() + "/kept/file", "k");
  make_dir(base.path() + "/tree/sub/subsub");
  CHECK(::symlink("../kept", (base.path() + "/tree/link").c_str()) == 0);
  make_dir(base.path() + "/tree/sub", 0000);
  make_dir(base.path() + "/tree", 0500);
  const base::UniqueFd root(::open(base.path().c_str(), O_RDONLY | O_DIRECTORY));
  remove_entry(root.get(), "tree");
  remove_entry(root.get(), "missing");
  CHECK_FALSE(base::exists(base.path() + "/tree"));
  CHECK(content(base.path() + "/kept/file") == "k");
}

}  // namespace sandbox_run::workspace::test
