// Removal with bounded depth: what lies deeper than kMaxNesting is first moved up to the top of
// the tree (a rename), then removed from there. So neither the stack nor the descriptors run out,
// and no path grows too long.

#include "workspace/removal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "workspace/tree.h"
#include "workspace/work_done.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;
using base::UniqueFd;

constexpr int kMaxNesting = 32;

/// Opens a directory that is about to be removed, with all permissions for its owner.
UniqueFd open_doomed(int dir_fd, const std::string& name) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const std::string doing = "removing " + name;
  UniqueFd directory(::openat(dir_fd, name.c_str(), kFlags));
  if (!directory && errno != EACCES) throw base::SysError(doing);
  if (::geteuid() == 0 && directory) return directory;
  struct stat status {};
  check_sys(::fstatat(dir_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW), doing);
  if ((status.st_mode & S_IRWXU) != S_IRWXU) set_entry_mode(dir_fd, name, S_IRWXU);
  if (!directory) directory.reset(check_sys(::openat(dir_fd, name.c_str(), kFlags), doing));
  return directory;
}

class Remover {
 public:
  explicit Remover(int top_fd) : top_fd_(top_fd) {}

  void remove_all_in(int dir_fd, int nesting) {
    std::vector<std::string> directories;
    std::vector<char> buffer;
    check_sys(::lseek(dir_fd, 0, SEEK_SET), "listing a directory");  // the top is read repeatedly
    for_each_entry(dir_fd, buffer, [&](const char* name, unsigned char type) {
      ++work_done;
      if (type == DT_DIR) {
        directories.emplace_back(name);
      } else if (::unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT) {
        throw base::SysError(std::string("removing ") + name);
      }
    });
    buffer = {};
    for (const std::string& name : directories) {
      if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) == 0) continue;
      const UniqueFd directory = open_doomed(dir_fd, name);
      if (nesting >= kMaxNesting) {
        move_to_top(dir_fd, name);
        continue;
      }
      remove_all_in(directory.get(), nesting + 1);
      check_sys(::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR), "removing " + name);
    }
  }

  bool moved() { return std::exchange(moved_, false); }

 private:
  void move_to_top(int dir_fd, const std::string& name) {
    while (true) {
      const std::string free_name = "removed-" + std::to_string(++counter_);
      if (::renameat2(dir_fd, name.c_str(), top_fd_, free_name.c_str(), RENAME_NOREPLACE) == 0) {
        break;
      }
      if (errno != EEXIST) throw base::SysError("removing " + name);
    }
    moved_ = true;
  }

  int top_fd_;
  std::uint64_t counter_ = 0;
  bool moved_ = false;
};

}  // namespace

void remove_contents(int dir_fd) {
  Remover remover(dir_fd);
  do {
    remover.remove_all_in(dir_fd, 0);
  } while (remover.moved());
}

void remove_entry(int dir_fd, const std::string& name) {
  if (::unlinkat(dir_fd, name.c_str(), 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM) throw base::SysError("removing " + name);
  if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) == 0) return;
  const UniqueFd directory = open_doomed(dir_fd, name);
  remove_contents(directory.get());
  check_sys(::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR), "removing " + name);
}

}  // namespace sandbox_run::workspace
