// Trees large enough for two threads.

#include "workspace/inspection.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "base/sys_error.h"
#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

constexpr int kPackages = 200;

std::string package(int index) { return "node_modules/p" + std::to_string(index); }

/// Each package has two files, two directories and a link.
class LargeTree {
 public:
  explicit LargeTree(int packages = kPackages) {
    for (int i = 0; i < packages; ++i) {
      put(path(package(i) + "/index.js"), "x");
      put(path(package(i) + "/lib/tool"), "x", 0755);
      CHECK(::symlink("lib/tool", path(package(i) + "/link").c_str()) == 0);
    }
    root_.reset(::open(base_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  std::string path(const std::string& inside) const { return base_.path() + "/" + inside; }
  int root() const { return root_.get(); }

 private:
  TemporaryDirectory base_;
  base::UniqueFd root_;
};

Inspection look_at(const LargeTree& tree, const std::string& path, const Objects& objects = {}) {
  PassableScope passable(tree.root());
  return inspect(path, passable, objects);
}

enum class Who { caller, helper };

/// Asked about entries, lets nobody go on before both threads have asked, so that both surely work.
class Meeting {
 public:
  Who arrive() {
    std::unique_lock lock(mutex_);
    present_.insert(std::this_thread::get_id());
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds(20), [this] { return present_.size() == 2; });
    return std::this_thread::get_id() == caller_ ? Who::caller : Who::helper;
  }
  bool took_place() const { return present_.size() == 2; }

 private:
  const std::thread::id caller_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::thread::id> present_;
};

using Found = std::vector<std::pair<std::string, Finding::Kind>>;
Found found(const Inspection& inspection) {
  Found all;
  for (const Finding& finding : inspection.findings) all.emplace_back(finding.path, finding.kind);
  return all;
}

}  // namespace

TEST_CASE("two threads look at each entry of a large tree once") {
  const LargeTree tree;
  Meeting meeting;
  std::mutex mutex;
  std::multiset<std::string> asked;
  const Inspection whole = look_at(
      tree, "node_modules", [&](int, const char* name, const std::string& dir_path, unsigned char) {
        meeting.arrive();
        const std::lock_guard lock(mutex);
        asked.insert(child_path(dir_path, name));
        return false;
      });
  CHECK(meeting.took_place());
  CHECK(whole.entries == 1 + 5 * kPackages);
  CHECK(whole.packages == kPackages);
  CHECK(asked.size() == 3 * kPackages);
  CHECK(std::set<std::string>(asked.begin(), asked.end()).size() == asked.size());
}

TEST_CASE("what two threads find in a large tree is what one finds in its parts, in order") {
  const LargeTree tree;
  for (int i = 0; i < kPackages; ++i) {
    const std::string here = tree.path(package(i));
    CHECK(::chmod((here + "/lib/tool").c_str(), 04755) == 0);
    CHECK(::chmod((here + "/lib").c_str(), 02755) == 0);
    CHECK(::mkfifo((here + "/lib/fifo").c_str(), 0600) == 0);
    const std::string other = tree.path(package((i + kPackages / 2) % kPackages));
    CHECK(::link((here + "/index.js").c_str(), (other + "/lib/shared.js").c_str()) == 0);
  }
  Meeting meeting;
  const Inspection whole =
      look_at(tree, "node_modules", [&](int, const char*, const std::string&, unsigned char) {
        meeting.arrive();
        return false;
      });
  CHECK(meeting.took_place());
  Found parts;
  std::uint64_t entries = 1;
  std::set<std::string> names;  // by which the packages come in the order of their paths
  for (int i = 0; i < kPackages; ++i) names.insert(package(i));
  for (const std::string& name : names) {
    const Inspection part = look_at(tree, name);
    for (const auto& item : found(part)) parts.push_back(item);
    entries += part.entries;
  }
  CHECK(found(whole) == parts);
  CHECK(parts.size() == 3 * kPackages);
  CHECK(whole.entries == entries);
  REQUIRE(whole.links.size() == 2 * kPackages);
  CHECK(std::is_sorted(
      whole.links.begin(), whole.links.end(),
      [](const Inspection::Link& a, const Inspection::Link& b) { return a.path < b.path; }));
  std::multiset<std::uint64_t> inodes;
  for (const Inspection::Link& link : whole.links) inodes.insert(link.inode);
  CHECK(std::all_of(inodes.begin(), inodes.end(),
                    [&](std::uint64_t number) { return inodes.count(number) == 2; }));
}

TEST_CASE("hard links within a large tree are left, one that leads out of it is separated") {
  Fixture f;
  put(f.host(".git/config"), "c");
  f.begin();
  for (int i = 0; i < kPackages; ++i) put(f.upper(package(i) + "/file"), "x");
  put(f.upper(".git/evil"), "reviewed");
  CHECK(::link(f.upper(".git/evil").c_str(), f.upper(package(0) + "/outside").c_str()) == 0);
  CHECK(::link(f.upper(package(0) + "/file").c_str(),
               f.upper(package(kPackages - 1) + "/inside").c_str()) == 0);
  const CommitSummary summary = f.commit();
  CHECK(summary.stripped == 1);
  CHECK(inode(f.host(package(0) + "/outside")) != inode(f.upper(".git/evil")));
  CHECK(inode(f.host(package(0) + "/file")) == inode(f.host(package(kPackages - 1) + "/inside")));
}

TEST_CASE("an objection of either thread ends the look of both") {
  const LargeTree tree;
  for (const Who objector : {Who::caller, Who::helper}) {
    Meeting meeting;
    const Inspection whole =
        look_at(tree, "node_modules", [&](int, const char*, const std::string&, unsigned char) {
          return meeting.arrive() == objector;
        });
    CHECK(meeting.took_place());
    CHECK(whole.is_objectionable);
  }
}

TEST_CASE("an error of either thread reaches the caller, and no thread is left") {
  const LargeTree tree;
  for (const Who unlucky : {Who::caller, Who::helper}) {
    Meeting meeting;
    const Objects fails = [&](int, const char*, const std::string&, unsigned char) {
      if (meeting.arrive() == unlucky) throw base::SysError(EIO, "reading a link");
      return false;
    };
    CHECK_THROWS_WITH_AS(look_at(tree, "node_modules", fails), doctest::Contains("reading a link"),
                         base::SysError);
    CHECK(meeting.took_place());
  }
}

TEST_CASE("a large tree with one part that is too deep is refused") {
  const LargeTree tree;
  std::string path = tree.path(package(7));
  base::UniqueFd at(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t i = 0; i < kMaxDepth; ++i) {
    REQUIRE(::mkdirat(at.get(), "d", 0755) == 0);
    at.reset(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  CHECK(look_at(tree, "node_modules").refusal == TooDeep().what());
}

TEST_CASE("directories of a large tree that shut their owner out are looked into and shut again") {
  const LargeTree tree;
  for (int i = 0; i < kPackages; ++i) {
    make_dir(tree.path(package(i) + "/lib"), 0000);
    make_dir(tree.path(package(i)), 0100);
  }
  Meeting meeting;
  {
    PassableScope passable(tree.root());
    const Inspection whole =
        inspect("node_modules", passable, [&](int, const char*, const std::string&, unsigned char) {
          meeting.arrive();
          return false;
        });
    CHECK(whole.entries == 1 + 5 * kPackages);
    CHECK(passable.locked().size() == (is_root() ? 0 : 2 * kPackages));
  }
  CHECK(meeting.took_place());
  for (int i = 0; i < kPackages; ++i) {
    CHECK(mode(tree.path(package(i))) == 0100);
    CHECK(::chmod(tree.path(package(i)).c_str(), 0700) == 0);
    CHECK(mode(tree.path(package(i) + "/lib")) == 0000);
  }
}

TEST_CASE("few directories are looked at by one thread") {
  const LargeTree tree(20);
  std::set<std::thread::id> threads;
  std::mutex mutex;
  const Inspection whole =
      look_at(tree, "node_modules", [&](int, const char*, const std::string&, unsigned char) {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
        return false;
      });
  CHECK(whole.entries == 1 + 5 * 20);
  CHECK(threads == std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST_CASE("where no thread is to be had, one looks at a large tree alone") {
  if (is_root()) {
    MESSAGE("root never runs out of processes: tried when this runs as an ordinary user");
    return;
  }
  const LargeTree tree;
  const Limited none(RLIMIT_NPROC, 0);
  CHECK_THROWS_AS(std::thread([] {}).join(), std::system_error);
  CHECK(look_at(tree, "node_modules").entries == 1 + 5 * kPackages);
}

}  // namespace sandbox_run::workspace::test
