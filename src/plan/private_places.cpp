// Must:     look at every file: a chmod(2) changes nothing of the directory, so that no note of an
//           earlier look would do but that something is too large. Hide what was not looked at.
// Must not: walk what the distribution brought, or what is not shown.

#include "plan/private_places.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <system_error>
#include <unordered_set>

#include "base/path.h"
#include "base/thread.h"
#include "base/unique_fd.h"
#include "plan/gathered_paths.h"
#include "plan/parcel.h"
#include "plan/shown_trees.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;
using base::parent_path;
using std::chrono::steady_clock;

constexpr std::size_t kMaxEntries = 300'000;
constexpr std::chrono::seconds kPatience{5};  // a network's file system may be slow
constexpr std::size_t kMaxPlaces = 1000;      // each is a mount
constexpr std::size_t kBufferSize = 32768;
/// Of a version manager's tree outside the system's, which may hold hundreds of thousands of files:
/// what lies deeper is what it installed itself. Its own credentials are in [[toolchain]] hide and
/// [[configuration]].
constexpr int kLevelsOfToolchain = 3;
constexpr int kAllLevels = 100'000;
constexpr std::size_t kWorthThread = 64;  // directories still to be read
constexpr unsigned kMostThreads = 4;

class PlaceSearch {
 public:
  PlaceSearch(const policy::Policy& policy, const HostFacts& facts) : facts_(facts) {
    const auto keep = [&](const std::string& path) {
      if (path.empty()) return;
      kept_.insert(path);
      led_.push_back(path);
    };
    keep(facts.project);
    keep(facts.home_real);
    for (const std::string& path : facts.more_projects) keep(path);
    for (const auto* list : {&facts.linked.shown, &facts.linked.written, &facts.linked.repositories,
                             &policy.files.read_write}) {
      for (const std::string& path : *list) keep(path);
    }
    for (const policy::CacheDirectory& cache : policy.files.caches) {
      keep(base::real_path(expand(cache.path, facts)).value_or(""));
    }
    for (const HostPath& path : facts.read_only) keep(path.real);
    for (const HostPath& path : facts.file_variables) keep(path.real);
    for (const HostPath& entry : facts.path_entries) add_programs(entry.real);
    std::vector<std::string> programs = facts.command.chain;
    for (const std::string& path : {facts.command.path, facts.command.interpreter}) {
      if (path.starts_with('/')) programs.push_back(path);  // a virtual environment's own
    }
    for (const std::string& path : programs) {
      programs_.insert(path);
      led_.push_back(path);
      prefixes_.insert(tree_of_program(facts, path));
    }
    for (const ToolchainFact& toolchain : facts.toolchains) {
      if (!is_used(toolchain, facts)) continue;
      for (const HostPath& root : toolchain.roots) {
        prefixes_.insert(root.real);
        toolchains_.insert(root.real);
      }
    }
    for (const std::string& tree : policy.files.looked_through) {
      prefixes_.erase(tree);
      system_.insert(tree);
    }
  }

  PrivatePlaces run(const std::vector<std::string>& trees) {
    // First what the command needs: should the rest be too much, that is hidden.
    add_prefixes_in_system();
    std::vector<std::string> paths = look_through();
    for (const std::string& tree : trees) {
      struct stat status {};
      const bool is_there = ::stat(tree.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
      if (!is_there || kept_.count(tree) != 0 || is_closed_tree(tree, status)) continue;
      pending_.push_back({tree, !others_may_read(status),
                          toolchains_.count(tree) != 0 ? kLevelsOfToolchain : kAllLevels});
    }
    for (std::string& path : look_through()) paths.push_back(std::move(path));
    PrivatePlaces found;
    for (const Pending& directory : pending_) found.unseen.push_back(directory.path);
    for (const auto& [path, identity] : too_large_) found.unseen.push_back(path);
    found.unseen.insert(found.unseen.end(), given_up_.begin(), given_up_.end());
    found.large_trees = std::move(too_large_);
    narrow(found.unseen);
    for (const std::string& path : found.unseen) paths.push_back(path);
    narrow(paths);
    for (std::string& path : paths) {
      const bool is_directory = base::is_directory(path);
      found.places.push_back({std::move(path), is_directory});
    }
    return found;
  }

 private:
  struct Pending {
    std::string path;
    bool in_private = false;  // a directory above it, within the tree, is closed to others
    int levels = kAllLevels;  // that are looked at from here on
    std::shared_ptr<Parcel> parcel = {};
  };

  /// Toolchains in /opt, say: each is a tree of its own, which is not looked at from above again.
  void add_prefixes_in_system() {
    for (const std::string& prefix : prefixes_) {
      const auto tree = std::find_if(system_.begin(), system_.end(), [&](const std::string& one) {
        return is_beneath(prefix, one);
      });
      struct stat status {};
      if (tree == system_.end() || ::stat(prefix.c_str(), &status) != 0) continue;
      bool is_open = !is_closed(prefix, status);
      for (std::string above = parent_path(prefix); is_open && is_beneath(above, *tree);
           above = parent_path(above)) {
        is_open = ::stat(above.c_str(), &status) == 0 && others_may_read(status);
      }
      if (is_open && kept_.count(prefix) == 0) pending_.push_back({prefix, false});
      kept_.insert(prefix);
    }
  }

  /// A file of a parcel. Not looked at before its parcel is known to be small: mostly it is not.
  struct ParcelFile {
    std::shared_ptr<Parcel> parcel;
    std::string path;
  };

  /// What one thread has found, and not handed over yet.
  struct Finder {
    std::vector<Pending> directories;
    std::vector<std::string> places;
    std::vector<ParcelFile> put_off;
    std::array<char, kBufferSize> buffer{};
  };

  /// All that is pending, by several threads if it is much; none outlives this.
  std::vector<std::string> look_through() {
    std::vector<std::unique_ptr<Finder>> finders;
    finders.push_back(std::make_unique<Finder>());
    work(*finders.front(), kWorthThread);
    {
      std::vector<std::jthread> helpers;
      const unsigned threads = std::min(std::thread::hardware_concurrency(), kMostThreads);
      const bool is_much = !pending_.empty();
      while (is_much && finders.size() < threads) {
        finders.push_back(std::make_unique<Finder>());
        try {
          helpers.push_back(base::start_thread([this, finder = finders.back().get()] {
            work(*finder, SIZE_MAX);
            look_at_parcels(*finder);
          }));
        } catch (const std::system_error&) {
          break;  // no process is left to this user: alone, then
        }
      }
      work(*finders.front(), SIZE_MAX);
      look_at_parcels(*finders.front());
    }
    std::vector<std::string> places;
    for (const auto& finder : finders) {
      std::move(finder->places.begin(), finder->places.end(), std::back_inserter(places));
    }
    return places;
  }

  /// Until nothing is pending, or as much as `enough`, or it is too much.
  void work(Finder& finder, std::size_t enough) {
    Pending directory;
    while (take(directory, enough)) {
      look_in(directory, finder);
      {
        const std::lock_guard lock(mutex_);
        std::move(finder.directories.begin(), finder.directories.end(),
                  std::back_inserter(pending_));
        --being_read_;
      }
      finder.directories.clear();
      changed_.notify_all();
    }
  }

  bool take(Pending& directory, std::size_t enough) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] {
      while (!pending_.empty() && is_too_large(pending_.front())) pending_.pop_front();
      return !pending_.empty() || being_read_ == 0;
    });
    const bool too_much = entries_ > kMaxEntries || steady_clock::now() > end_;
    if (pending_.empty() || pending_.size() >= enough || too_much) return false;
    directory = std::move(pending_.front());
    pending_.pop_front();
    ++being_read_;
    return true;
  }

  /// A directory of PATH, and the prefix that it is the bin of.
  void add_programs(const std::string& directory) {
    program_directories_.insert(directory);
    led_.push_back(directory);
    const std::string name = base::file_name(directory);
    if (name == "bin" || name == "sbin") prefixes_.insert(parent_path(directory));
  }

  /// A toolchain whose modes tell nothing apart.
  bool is_closed(const std::string& path, const struct stat& status) const {
    if (prefixes_.count(path) == 0) return false;
    if (!others_may_read(status)) return true;
    struct stat programs {};
    return ::stat(join_path(path, "bin").c_str(), &programs) == 0 && !others_may_read(programs);
  }

  /// Of what PATH or the command leads to: closed to others, or a part of a prefix that is.
  bool is_closed_tree(const std::string& tree, const struct stat& status) const {
    if (system_.count(tree) != 0) return false;
    const std::string prefix = parent_path(tree);
    struct stat above {};
    return !others_may_read(status) || is_closed(tree, status) ||
           (::stat(prefix.c_str(), &above) == 0 && is_closed(prefix, above));
  }

  bool leads_on(const std::string& path) const {
    return std::any_of(led_.begin(), led_.end(),
                       [&](const std::string& led) { return is_beneath(led, path); });
  }

  static bool is_too_large(const Pending& directory) {
    return directory.parcel && directory.parcel->entries > kMaxOfParcel;
  }

  void look_in(const Pending& directory, Finder& finder) {
    const base::UniqueFd fd(
        ::open(directory.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return;  // closed to the caller, too
    while (true) {
      const ssize_t size = ::getdents64(fd.get(), finder.buffer.data(), finder.buffer.size());
      if (size <= 0) return;
      for (ssize_t at = 0; at < size; ++entries_) {
        const auto* entry = reinterpret_cast<const dirent64*>(finder.buffer.data() + at);
        at += entry->d_reclen;
        if (directory.parcel && ++directory.parcel->entries > kMaxOfParcel) {
          return note_too_large(*directory.parcel);
        }
        const bool may_hold =
            entry->d_type == DT_REG || entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
        if (directory.parcel && entry->d_type == DT_REG) {
          finder.put_off.push_back({directory.parcel, join_path(directory.path, entry->d_name)});
        } else if (may_hold) {
          look_at(fd.get(), directory, entry->d_name, finder);
        }
      }
    }
  }

  /// When nothing is to be read any more: of parcels that are small.
  void look_at_parcels(Finder& finder) {
    for (ParcelFile& file : finder.put_off) {
      if (steady_clock::now() > end_) {
        give_up(*file.parcel);
        continue;
      }
      struct stat status {};
      if (file.parcel->entries <= kMaxOfParcel && kept_.count(file.path) == 0 &&
          ::lstat(file.path.c_str(), &status) == 0 && !others_may_read(status) &&
          S_ISREG(status.st_mode) && caller_may_read(AT_FDCWD, file.path.c_str(), status)) {
        finder.places.push_back(std::move(file.path));
      }
    }
  }

  void give_up(const Parcel& parcel) {
    const std::lock_guard lock(mutex_);
    given_up_.insert(parcel.path);
  }

  void note_too_large(const Parcel& parcel) {
    const std::lock_guard lock(mutex_);
    too_large_.emplace(parcel.path, parcel.identity);
  }

  void look_at(int fd, const Pending& directory, const char* name, Finder& finder) {
    if (std::string_view(name) == "." || std::string_view(name) == "..") return;
    struct stat status {};
    if (::fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) return;
    const bool is_private = directory.in_private || !others_may_read(status);
    if (S_ISDIR(status.st_mode)) {
      look_at_directory(directory, name, is_private, status, finder);
    } else if (is_private && S_ISREG(status.st_mode) && caller_may_read(fd, name, status)) {
      add_file(directory, name, status, finder);
    }
  }

  void look_at_directory(const Pending& above, const char* name, bool is_private,
                         const struct stat& status, Finder& finder) {
    std::string path = join_path(above.path, name);
    const bool is_deep = above.levels <= 1 && !is_private;
    if (is_deep || kept_.count(path) != 0 || is_closed(path, status)) return;
    if (!is_private) {
      std::shared_ptr<Parcel> parcel = above.parcel;
      if (!parcel && is_parcel(system_, above.path, name) && !leads_on(path)) {
        parcel = std::make_shared<Parcel>(path, large_tree(status));
        const auto known = facts_.large_trees.find(path);
        if (known != facts_.large_trees.end() && known->second == parcel->identity) {
          return note_too_large(*parcel);
        }
      }
      finder.directories.push_back({std::move(path), false, above.levels - 1, std::move(parcel)});
    } else if (leads_on(path)) {
      const bool is_prefix = prefixes_.count(path) != 0;
      if (!is_prefix) finder.directories.push_back({std::move(path), true, above.levels});
    } else {
      finder.places.push_back(std::move(path));
    }
  }

  void add_file(const Pending& directory, const char* name, const struct stat& status,
                Finder& finder) const {
    std::string path = join_path(directory.path, name);
    // What the user runs, he wants run.
    const bool is_program =
        programs_.count(path) != 0 || (program_directories_.count(directory.path) != 0 &&
                                       (status.st_mode & (S_IXUSR | S_IXGRP)) != 0);
    if (!is_program && kept_.count(path) == 0) finder.places.push_back(std::move(path));
  }

  /// What the kernel refuses him anyway needs no mount. Root has no rights of his own inside.
  bool caller_may_read(int fd, const char* name, const struct stat& status) const {
    if (facts_.uid != 0) {
      return ::faccessat(fd, name, R_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0;
    }
    return status.st_uid == 0 || status.st_gid == facts_.gid || (status.st_mode & S_IRGRP) != 0;
  }

  void narrow(std::vector<std::string>& paths) const {
    gather_in_directories(paths, kMaxPlaces, [&](const std::string& path) {
      return leads_on(path) || prefixes_.count(path) != 0 ||
             std::count(path.begin(), path.end(), '/') < 2;
    });
  }

  const HostFacts& facts_;
  std::unordered_set<std::string> kept_;  // never looked at, never hidden
  std::unordered_set<std::string> programs_;
  std::unordered_set<std::string> program_directories_;
  std::unordered_set<std::string> prefixes_;
  std::unordered_set<std::string> toolchains_;  // roots of version managers
  std::unordered_set<std::string> system_;      // what of it is closed is closed, whoever comes by
  std::vector<std::string> led_;                // what lies above them is not hidden as a whole
  const steady_clock::time_point end_ = steady_clock::now() + kPatience;
  std::atomic<std::size_t> entries_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Pending> pending_;  // the nearest first
  LargeTrees too_large_;
  std::set<std::string> given_up_;  // small, but the time was up
  std::size_t being_read_ = 0;
};

}  // namespace

bool others_may_read(const struct stat& status) {
  const mode_t needed = S_ISDIR(status.st_mode) ? S_IROTH | S_IXOTH : S_IROTH;
  return (status.st_mode & needed) == needed;
}

PrivatePlaces find_private_places(const policy::Policy& policy, const HostFacts& facts) {
  if (policy.files.looked_through.empty()) return {};
  return PlaceSearch(policy, facts).run(trees_to_look_through(policy, facts));
}

}  // namespace sandbox_run::plan
