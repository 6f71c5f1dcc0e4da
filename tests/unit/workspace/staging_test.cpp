// Targets on another file system than the layer.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sys_error.h"
#include "support.h"
#include "workspace/placement.h"

namespace sandbox_run::workspace::test {
namespace {

constexpr const char* kOneFileSystem = "there is only one file system here";

}  // namespace

TEST_CASE("a commit to another file system gives the same tree") {
  const std::string other = other_file_system();
  if (other.empty()) return skip(kOneFileSystem);
  Fixture f(other);
  put(f.host("package.json"), "old");
  put(f.host("node_modules/old/i"), "old");
  put(f.host("out/gone"), "old");
  f.begin();
  put(f.upper("package.json"), "new");
  put(f.upper("node_modules/a/i"), std::string(100'000, 'x'), 0640);
  CHECK(::link(f.upper("node_modules/a/i").c_str(), f.upper("node_modules/a/j").c_str()) == 0);
  CHECK(::symlink("../a", f.upper("node_modules/a/l").c_str()) == 0);
  CHECK(::mkfifo(f.upper("node_modules/a/fifo").c_str(), 0600) == 0);
  make_dir(f.upper("node_modules/empty"), 0711);
  f.mark_opaque("node_modules");
  f.whiteout("out/gone");
  put(f.upper("held"), "h");
  const timespec times[2] = {{499162500, 0}, {499162500, 7}};
  for (const char* path : {"node_modules/a/i", "node_modules/a", "node_modules"}) {
    CHECK(::utimensat(AT_FDCWD, f.upper(path).c_str(), times, 0) == 0);
  }
  const CommitSummary summary = f.commit();
  CHECK(snapshot(f.host()) == Snapshot{{"", "d 755"},
                                       {"package.json", "f 644 new"},
                                       {"out", "d 755"},
                                       {"node_modules", "d 755"},
                                       {"node_modules/empty", "d 711"},
                                       {"node_modules/a", "d 755"},
                                       {"node_modules/a/i", "f 640 " + std::string(100'000, 'x')},
                                       {"node_modules/a/j", "f 640 " + std::string(100'000, 'x')},
                                       {"node_modules/a/l", "l ../a"}});
  CHECK(inode(f.host("node_modules/a/i")) == inode(f.host("node_modules/a/j")));
  for (const char* path : {"node_modules/a/i", "node_modules"}) {
    CHECK(base::stat_no_follow(f.host(path))->st_mtim.tv_sec == 499162500);
  }
  CHECK(attributes(f.host("node_modules")).empty());
  CHECK(summary.stripped == 1);
  REQUIRE(read_held(f.run).size() == 1);
  CHECK_FALSE(base::exists(f.upper("node_modules")));
}

TEST_CASE("a target on another file system that does not exist is made") {
  const std::string other = other_file_system();
  if (other.empty()) return skip(kOneFileSystem);
  Fixture f(other);
  f.targets = {{f.host("a/b"), policy::TargetKind::project, true}};
  f.layers = make_layers(f.run, f.targets);
  put(f.upper("node_modules/x"), "x");
  f.commit();
  CHECK(content(f.host("a/b/node_modules/x")) == "x");
  CHECK(f.is_run_clean());
}

TEST_CASE("a full disk while copying: the project is as it was, and all is held") {
  const int code = in_namespace([] {
    const TemporaryDirectory base;
    const std::string small = base.path();
    if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=1m") != 0) return 77;
    int failures = 0;
    {
      Fixture f(small);
      put(f.host("package.json"), "old");
      f.begin();
      put(f.upper("package.json"), "new");
      put(f.upper("node_modules/a/small"), "s");
      put(f.upper("node_modules/b/big"), std::string(2'000'000, 'x'));
      const Snapshot before = snapshot(f.host());
      try {
        f.commit();
        failures |= 1;
      } catch (const base::SysError& error) {
        if (error.error_number() != ENOSPC) failures |= 2;
      }
      if (snapshot(f.host()) != before) failures |= 4;
      if (read_held(f.run).size() != 2) failures |= 8;
      if (base::exists(f.run + "/unfinished")) failures |= 16;
    }
    ::umount2(small.c_str(), MNT_DETACH);
    return failures;
  });
  if (code == -1) return skip("no tmpfs in a user namespace here");
  CHECK(code == 0);
}

TEST_CASE("what a commit will be is known beforehand") {
  const TemporaryDirectory here;
  make_dir(here.path() + "/project");
  // The state directory need not exist yet.
  CHECK(commit_way(here.path() + "/state/sandbox-run", here.path() + "/project") ==
        CommitWay::rename);
  CHECK(commit_way(here.path() + "/state", here.path() + "/not/there/yet") == CommitWay::rename);
  const std::string parent = other_file_system();
  if (parent.empty()) return skip("there is one file system only");
  const TemporaryDirectory there(parent);
  CHECK(commit_way(here.path() + "/state", there.path()) == CommitWay::copy);
}

TEST_CASE(
    "a state directory that can't hold a layer: another file system is taken, and left clean") {
  const TemporaryDirectory base;
  for (const char* name : {"lower", "upper", "work", "merged"}) make_dir(base.path() + "/" + name);
  const int code = in_namespace([&] {
    const std::string options = "lowerdir=" + base.path() + "/lower,upperdir=" + base.path() +
                                "/upper,workdir=" + base.path() + "/work,userxattr";
    const std::string merged = base.path() + "/merged";
    if (::mount("overlay", merged.c_str(), "overlay", 0, options.c_str()) != 0) return -1;
    put(merged + "/project/old", "old");
    const std::string run = merged + "/state/runs/run-1";
    const std::vector<Target> targets{{merged + "/project", policy::TargetKind::project, false}};
    CHECK(commit_way(merged + "/state", merged + "/project") == CommitWay::copy);
    CommitRequest request;
    request.run_directory = run;
    request.layers = make_layers(run, targets);
    policy::FilesystemPolicy policy;
    policy.targets = {
        {policy::TargetKind::project, {{policy::Verdict::commit, {"**"}, "", {}, {}}}}};
    request.policy = &policy;
    const std::string upper = request.layers[0].upper;
    put(upper + "/new/file", "new");
    RecordingSink sink;
    commit_changes(request, sink);
    const bool is_right = content(merged + "/project/new/file") == "new" &&
                          !upper.starts_with(merged) && snapshot(run).size() == 1 &&
                          !base::exists(base::parent_path(base::parent_path(upper)));
    return is_right ? 0 : 1;
  });
  if (code == -1) return skip("no overlay may be mounted here");
  CHECK(code == 0);
}

}  // namespace sandbox_run::workspace::test
