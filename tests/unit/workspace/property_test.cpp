// Random sequences of file operations, once on the bare directory and once in the overlay with all
// of it committed: the trees must be the same.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "base/path.h"
#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

constexpr unsigned kSequences = 60;
constexpr int kOperations = 40;

/// Acts on the working directory. What an operation can't do it leaves undone, on both sides alike.
class RandomActs {
 public:
  explicit RandomActs(unsigned seed) : random_(seed) {}

  void run() {
    for (int i = 0; i < kOperations; ++i) act();
  }

 private:
  unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }

  std::string path() {
    static const char* const kNames[] = {"a", "b", "c", "dir", "new\nline"};
    std::string result = kNames[pick(5)];
    for (unsigned depth = pick(3); depth > 0; --depth) result += std::string("/") + kNames[pick(5)];
    return result;
  }

  /// As `rm -rf`, which goes on after an error; std::filesystem::remove_all() stops at the first,
  /// and which one that is depends on the order of the directory.
  static void remove_what_can_be(const std::string& at) {
    if (::unlink(at.c_str()) == 0) return;
    const base::UniqueFd directory(::open(at.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    // Not to be entered: none of it can be removed, on either side.
    if (!directory || ::faccessat(directory.get(), ".", X_OK, AT_EACCESS) != 0) return;
    for (const base::DirectoryEntry& entry : base::list_directory(directory.get())) {
      remove_what_can_be(at + "/" + entry.name);
    }
    (void)::rmdir(at.c_str());
  }

  void act() {
    const std::string at = path();
    const std::string other = path();
    std::error_code ignored;
    switch (pick(11)) {
      case 0:
      case 1: {
        const base::UniqueFd file(
            ::open(at.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        const std::string text(pick(20), static_cast<char>('a' + pick(26)));
        if (file) (void)!::write(file.get(), text.data(), text.size());
        return;
      }
      case 2:
      case 3:
        (void)::mkdir(at.c_str(), 0755);
        return;
      case 4:
        (void)::unlink(at.c_str());
        return;
      case 5:
        remove_what_can_be(at);
        return;
      case 6:
        (void)!::symlink(other.c_str(), at.c_str());
        return;
      case 7: {
        static const mode_t kModes[] = {0644, 0600, 0755, 0700};
        if (!std::filesystem::is_symlink(at, ignored)) (void)::chmod(at.c_str(), kModes[pick(4)]);
        return;
      }
      case 8:
        // An overlay renames no directory that the host has, too: programs then copy.
        if (std::filesystem::is_directory(std::filesystem::symlink_status(at, ignored))) return;
        (void)::rename(at.c_str(), other.c_str());
        return;
      case 9:
        (void)!::link(at.c_str(), other.c_str());
        return;
      default:
        (void)!::truncate(at.c_str(), static_cast<off_t>(pick(30)));
        return;
    }
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("what is done in the sandbox and committed is what is done without it") {
  for (unsigned seed = 1; seed <= kSequences; ++seed) {
    CAPTURE(seed);
    Fixture f;
    f.policy.targets[0].rules = {{policy::Verdict::commit, {"**"}, "all", {}, {}}};
    if (seed % 2 == 0) {
      // As long as a rule could match something beneath, each entry is judged on its own.
      f.policy.targets[0].rules.insert(f.policy.targets[0].rules.begin(),
                                       {policy::Verdict::protect, {"**/nothing"}, "", {}, {}});
    }
    const std::string bare = f.state + "/bare";
    for (const std::string& root : {f.host(), bare}) {
      put(root + "/a", "old a");
      put(root + "/b/a", "old b/a");
      put(root + "/b/dir/c", "old b/dir/c");
      put(root + "/dir/dir/dir", "deep");
      make_dir(root + "/c/empty");
    }
    // Of links, more are held in a project than in a directory that is writable as a whole.
    const auto kind = seed % 3 == 0 ? policy::TargetKind::project : policy::TargetKind::extra;
    f.policy.targets[0].kind = kind;
    f.begin(kind);
    if (!in_overlay(f.layers[0], [&] { RandomActs(seed).run(); })) {
      return skip("no overlay in a user namespace here");
    }
    const std::string before = std::filesystem::current_path();
    REQUIRE(::chdir(bare.c_str()) == 0);
    RandomActs(seed).run();
    REQUIRE(::chdir(before.c_str()) == 0);
    const CommitSummary summary = f.commit();
    if (!summary.held.empty()) {
      RecordingSink sink;
      CHECK(commit_held(f.run, {}, sink).held.empty());
    }
    CHECK(snapshot(f.host()) == snapshot(bare));
    CHECK(f.is_run_clean());
  }
}

}  // namespace sandbox_run::workspace::test
