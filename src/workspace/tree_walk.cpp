#include "workspace/tree_walk.h"

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread.h"

namespace sandbox_run::workspace {
namespace {

/// Directories known but not read that are worth a thread: reading one takes some 20 us, starting a
/// thread and waiting for its end some 100.
constexpr std::size_t kWorthThread = 64;

/// The directories that are still to be read, and whoever reads them.
class Walk {
 public:
  Walk(std::string start, PassableScope& passable) : passable_(passable) {
    pending_.push_back({std::move(start), 0});
  }

  /// Reads directories until none is left or `enough` are known.
  void work(const TreeVisitor& visitor, std::size_t enough = SIZE_MAX);
  /// To be asked when nobody works.
  bool is_over() const { return pending_.empty(); }

 private:
  struct Directory {
    std::string path;
    std::size_t depth = 0;
  };

  bool take(Directory& directory, std::size_t enough);
  void give_back(std::vector<Directory>& found);
  void end();
  void read(const Directory& directory, const TreeVisitor& visitor, std::vector<char>& buffer,
            std::vector<Directory>& found);

  PassableScope& passable_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Directory> pending_;
  unsigned being_read_ = 0;  // what is in them is still to come
  bool has_ended_ = false;   // by an exception
};

void Walk::work(const TreeVisitor& visitor, std::size_t enough) {
  std::vector<char> buffer;
  std::vector<Directory> found;
  Directory directory;
  try {
    while (take(directory, enough)) {
      read(directory, visitor, buffer, found);
      give_back(found);
    }
  } catch (...) {
    end();
    throw;
  }
}

bool Walk::take(Directory& directory, std::size_t enough) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return has_ended_ || !pending_.empty() || being_read_ == 0; });
  if (has_ended_ || pending_.empty() || pending_.size() >= enough) return false;
  directory = std::move(pending_.back());
  pending_.pop_back();
  ++being_read_;
  return true;
}

void Walk::give_back(std::vector<Directory>& found) {
  {
    const std::lock_guard lock(mutex_);
    std::move(found.begin(), found.end(), std::back_inserter(pending_));
    --being_read_;
  }
  found.clear();
  changed_.notify_all();
}

void Walk::end() {
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
  }
  changed_.notify_all();
}

void Walk::read(const Directory& directory, const TreeVisitor& visitor, std::vector<char>& buffer,
                std::vector<Directory>& found) {
  const base::UniqueFd fd = passable_.open_directory(directory.path);
  if (!fd) return;
  if (visitor.directory) visitor.directory(fd.get(), directory.path);
  for_each_entry(fd.get(), buffer, [&](const char* name, unsigned char type) {
    if (visitor.entry(fd.get(), directory.path, name, type) != Next::descend) return;
    if (type != DT_DIR) return;
    if (directory.depth + 1 >= kMaxDepth) throw TooDeep();
    found.push_back({child_path(directory.path, name), directory.depth + 1});
  });
}

/// None if there is no process left to this user: the caller does the work alone then.
std::jthread try_start_thread(std::function<void()> work) {
  try {
    return base::start_thread(std::move(work));
  } catch (const std::system_error&) {
    return {};
  }
}

}  // namespace

void walk_tree(const std::string& start, PassableScope& passable, const TreeVisitor& visitor) {
  Walk(start, passable).work(visitor);
}

void walk_tree_with_helper(const std::string& start, PassableScope& passable,
                           const TreeVisitor& visitor, const TreeVisitor& helper) {
  Walk walk(start, passable);
  walk.work(visitor, kWorthThread);
  if (walk.is_over()) return;
  std::exception_ptr failure;
  {
    const std::jthread thread = try_start_thread([&] {
      try {
        walk.work(helper);
      } catch (...) {
        failure = std::current_exception();
      }
    });
    walk.work(visitor);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace sandbox_run::workspace
