#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sys_error.h"
#include "support.h"
#include "workspace/removal.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace::test {
namespace {

/// `depth` directories, one in the other, and a file in the last.
void make_deep(const std::string& root, int depth, const std::string& name) {
  base::UniqueFd at(base::check_sys(::open(root.c_str(), O_RDONLY | O_DIRECTORY), "deep"));
  for (int i = 0; i < depth; ++i) {
    base::check_sys(::mkdirat(at.get(), name.c_str(), 0755), "deep");
    at.reset(base::check_sys(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY), "deep"));
  }
  const base::UniqueFd file(::openat(at.get(), "file", O_CREAT | O_WRONLY, 0644));
}

int depth_of(const std::string& root, const std::string& name) {
  base::UniqueFd at(::open(root.c_str(), O_RDONLY | O_DIRECTORY));
  int depth = 0;
  while (at && ::faccessat(at.get(), "file", F_OK, 0) != 0) {
    at.reset(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
    ++depth;
  }
  return depth;
}

/// As a login shell may give.
constexpr rlim_t kFewDescriptors = 64;

}  // namespace

TEST_CASE("300 levels of long names are committed, with 64 descriptors") {
  const std::string name(200, 'd');
  for (const std::string& parent : {std::string(), other_file_system()}) {
    Fixture f(parent);
    f.begin();
    make_dir(f.upper("node_modules"));
    make_deep(f.upper("node_modules"), 300, name);
    const Limited few(RLIMIT_NOFILE, kFewDescriptors);
    const CommitSummary summary = f.commit();
    CHECK(summary.committed_entries == 302);
    CHECK(depth_of(f.host("node_modules"), name) == 300);
    CHECK(f.is_run_clean());
  }
}

TEST_CASE("300 levels where each entry is judged on its own are held as one") {
  Fixture f;
  f.begin();
  make_dir(f.upper("strange"));
  make_deep(f.upper("strange"), 300, "directory-with-a-name");
  const Limited few(RLIMIT_NOFILE, kFewDescriptors);
  const CommitSummary summary = f.commit();
  REQUIRE(summary.held.size() == 1);
  RecordingSink sink;
  commit_held(f.run, {}, sink);
  CHECK(depth_of(f.host("strange"), "directory-with-a-name") == 300);
}

TEST_CASE("1,050 levels are refused, and can be thrown away") {
  Fixture f;
  f.begin();
  make_dir(f.upper("node_modules"));
  make_deep(f.upper("node_modules"), 1050, "d");
  make_dir(f.upper("strange"));
  make_deep(f.upper("strange"), 1050, "d");
  const Limited few(RLIMIT_NOFILE, kFewDescriptors);
  const CommitSummary summary = f.commit();
  CHECK(summary.held.size() == 2);
  CHECK_FALSE(base::exists(f.host("node_modules")));
  RecordingSink sink;
  discard_held(f.run, {}, sink);
  CHECK(f.is_run_clean());
}

TEST_CASE("links in the layer are committed as links, never followed") {
  Fixture f;
  const TemporaryDirectory elsewhere;
  put(elsewhere.path() + "/precious", "p");
  put(f.host("node_modules/a/x"), "1");
  f.begin();
  make_dir(f.upper("node_modules"));
  // In place of a directory of the host, and in a new one.
  CHECK(::symlink(elsewhere.path().c_str(), f.upper("node_modules/a").c_str()) == 0);
  make_dir(f.upper("node_modules/b"));
  CHECK(::symlink("../../package.json", f.upper("node_modules/b/l").c_str()) == 0);
  f.commit();
  CHECK(snapshot(f.host("node_modules")) == Snapshot{{"", "d 755"},
                                                     {"a", "l " + elsewhere.path()},
                                                     {"b", "d 755"},
                                                     {"b/l", "l ../../package.json"}});
  CHECK(content(elsewhere.path() + "/precious") == "p");
  CHECK(mode(elsewhere.path() + "/precious") == 0644);
}

TEST_CASE("what its owner may not read or enter is committed with its modes") {
  for (const std::string& parent : {std::string(), other_file_system()}) {
    Fixture f(parent);
    put(f.host("out/old/x"), "1");
    make_dir(f.host("out/old"), 0500);
    put(f.host("out/shut/x"), "1");
    make_dir(f.host("out/shut"), 0555);
    f.begin();
    put(f.upper("node_modules/a/secret"), "s", 0000);
    make_dir(f.upper("node_modules/a"), 0000);
    put(f.upper("node_modules/b/c/d"), "d");
    make_dir(f.upper("node_modules/b/c"), 0500);
    make_dir(f.upper("node_modules/b"), 0400);
    make_dir(f.upper("node_modules"), 0555);
    f.whiteout("out/old");
    put(f.upper("out/shut/x"), "2");
    make_dir(f.upper("out/shut"), 0555);
    const CommitSummary summary = f.commit();
    CHECK(summary.held.empty());
    CHECK(mode(f.host("node_modules")) == 0555);
    CHECK(mode(f.host("node_modules/a")) == 0000);
    CHECK(mode(f.host("node_modules/b")) == 0400);
    CHECK(mode(f.host("out/shut")) == 0555);
    CHECK(content(f.host("out/shut/x")) == "2");
    CHECK_FALSE(base::exists(f.host("out/old")));
    ::chmod(f.host("node_modules/a").c_str(), 0700);
    ::chmod(f.host("node_modules/b").c_str(), 0700);
    CHECK(mode(f.host("node_modules/a/secret")) == 0000);
    CHECK(mode(f.host("node_modules/b/c")) == 0500);
    CHECK(content(f.host("node_modules/b/c/d")) == "d");
    CHECK(f.is_run_clean());
  }
}

TEST_CASE("a host directory that its owner can't enter is left alone, and its changes are held") {
  if (is_root()) {
    MESSAGE("root can enter every directory: tried when this runs as an ordinary user");
    return;
  }
  Fixture f;
  put(f.host("out/shut/x"), "1");
  make_dir(f.host("out/shut"), 0400);
  f.begin();
  put(f.upper("out/shut/x"), "2");
  put(f.upper("node_modules/a"), "a");
  const CommitSummary summary = f.commit();
  CHECK(content(f.host("node_modules/a")) == "a");
  REQUIRE(summary.held.size() == 1);
  CHECK(summary.held[0].reason == "can't be read on the host");
  CHECK(mode(f.host("out/shut")) == 0400);
}

TEST_CASE("a file of a terabyte that is all hole takes no terabyte") {
  const std::string other = other_file_system();
  if (other.empty()) return skip("there is only one file system here");
  Fixture f(other);
  f.begin();
  put(f.upper("node_modules/a/huge"), "start");
  constexpr off_t kTerabyte = off_t{1} << 40;
  CHECK(::truncate(f.upper("node_modules/a/huge").c_str(), kTerabyte) == 0);
  f.commit();
  const auto status = base::stat_no_follow(f.host("node_modules/a/huge"));
  CHECK(status->st_size == kTerabyte);
  CHECK(status->st_blocks < 1000);
}

TEST_CASE("a tree of 3,000 levels can be removed") {
  const TemporaryDirectory base(other_file_system());
  make_dir(base.path() + "/tree");
  make_deep(base.path() + "/tree", 3000, "d");
  const Limited few(RLIMIT_NOFILE, kFewDescriptors);
  remove_entry(AT_FDCWD, base.path() + "/tree");
  CHECK_FALSE(base::exists(base.path() + "/tree"));
}

}  // namespace sandbox_run::workspace::test
