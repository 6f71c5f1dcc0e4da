#include "workspace/tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/path.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;
using base::UniqueFd;

// Below PATH_MAX, with room for one more name of 255 bytes.
constexpr std::size_t kMaxPathPiece = 3000;
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

int try_open(int root_fd, const std::string& path, int flags) {
  UniqueFd at;
  std::size_t start = 0;
  while (path.size() - start > kMaxPathPiece) {
    const std::size_t slash = path.rfind('/', start + kMaxPathPiece);
    if (slash == std::string::npos || slash <= start) break;
    UniqueFd next(base::try_open_beneath(at ? at.get() : root_fd, path.substr(start, slash - start),
                                         O_PATH | O_DIRECTORY));
    if (!next) return -1;
    at = std::move(next);
    start = slash + 1;
  }
  return base::try_open_beneath(at ? at.get() : root_fd, path.substr(start), flags);
}

void set_mode_by_path_fd(int path_fd, mode_t mode) {
  // An O_PATH descriptor needs no permission on the file; its link in /proc is the file itself.
  const std::string link = "/proc/self/fd/" + std::to_string(path_fd);
  check_sys(::chmod(link.c_str(), mode), "changing a mode");
}

}  // namespace

int try_open_directory(int root_fd, const std::string& path) {
  // Not to be read first: the kernel would write the time of it to each new directory, 1 us.
  const int fd = try_open(root_fd, path, kDirectoryFlags | O_NOATIME);
  if (fd >= 0 || errno != EPERM) return fd;
  return try_open(root_fd, path, kDirectoryFlags);  // another's: only its owner may ask for that
}

UniqueFd open_directory(int root_fd, const std::string& path) {
  return UniqueFd(check_sys(try_open_directory(root_fd, path), "opening directory " + path));
}

Located locate(int root_fd, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name.empty()) name = ".";
  return {open_directory(root_fd, parent), std::move(name)};
}

UniqueFd open_real_directory(const std::string& path) {
  const UniqueFd root(check_sys(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "opening /"));
  const std::size_t first = path.find_first_not_of('/');
  const std::string beneath = first == std::string::npos ? "" : path.substr(first);
  return UniqueFd(check_sys(try_open_directory(root.get(), beneath), "opening " + path));
}

std::string child_path(const std::string& directory, std::string_view name) {
  std::string path;
  path.reserve(directory.size() + 1 + name.size());
  path = directory;
  if (!path.empty()) path += '/';
  path += name;
  return path;
}

bool stat_entry(int dir_fd, const char* name, struct stat& status) {
  if (::fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT) return false;
  throw base::SysError(std::string("looking at ") + name);
}

std::int64_t change_time(int dir_fd, const char* name) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  struct stat status {};
  if (!stat_entry(dir_fd, name, status)) return kNoTime;
  return status.st_ctim.tv_sec * kSecond + status.st_ctim.tv_nsec;
}

char type_letter(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return 'd';
    case S_IFLNK:
      return 'l';
    case S_IFIFO:
      return 'p';
    case S_IFSOCK:
      return 's';
    case S_IFBLK:
      return 'b';
    case S_IFCHR:
      return 'c';
    default:
      return 'f';
  }
}

void set_entry_mode(int dir_fd, const std::string& name, mode_t mode) {
  const UniqueFd entry(check_sys(::openat(dir_fd, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC),
                                 "opening " + name));
  struct stat status {};
  check_sys(::fstat(entry.get(), &status), "looking at " + name);
  if (S_ISLNK(status.st_mode)) return;  // a link has no mode of its own
  set_mode_by_path_fd(entry.get(), mode);
}

UniqueFd PassableScope::open_directory(const std::string& path) {
  UniqueFd directory(try_open_directory(root_fd_, path));
  if (access_ == Access::where_allowed) return directory;
  if (!directory && errno != EACCES) throw base::SysError("opening directory " + path);
  if (access_ == Access::as_it_is || is_root_) {
    if (!directory) throw base::SysError(EACCES, "opening directory " + path);
    return directory;
  }
  return open_if_owner(path, std::move(directory));
}

/// `directory` may be none: its owner may not read it.
UniqueFd PassableScope::open_if_owner(const std::string& path, UniqueFd directory) {
  const std::string doing = "opening directory " + path;
  UniqueFd entry;
  if (!directory) {
    entry.reset(check_sys(try_open(root_fd_, path, O_PATH | O_DIRECTORY | O_NOFOLLOW), doing));
  }
  struct stat status {};
  check_sys(::fstat(directory ? directory.get() : entry.get(), &status), doing);
  const mode_t mode = status.st_mode & 07777U;
  if ((mode & S_IRWXU) == S_IRWXU) {
    if (!directory) throw base::SysError(EACCES, doing);
    return directory;
  }
  set_mode_by_path_fd(directory ? directory.get() : entry.get(), mode | S_IRWXU);
  {
    const std::lock_guard lock(mutex_);
    locked_.push_back({path, mode});
  }
  if (!directory) directory = workspace::open_directory(root_fd_, path);
  return directory;
}

UniqueFd PassableScope::open_with_parents(const std::string& path) {
  UniqueFd directory(try_open_directory(root_fd_, path));
  if (!directory && errno == EACCES) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      open_directory(path.substr(0, slash));
    }
  }
  return open_directory(path);
}

PassableScope::PassableScope(int root_fd, Access access)
    : root_fd_(root_fd), access_(access), is_root_(::geteuid() == 0) {}

PassableScope::~PassableScope() {
  // Innermost first: a directory that is shut again hides what lies in it. Gone is fine.
  std::for_each(locked_.rbegin(), locked_.rend(), [this](const Locked& locked) {
    const UniqueFd entry(try_open(root_fd_, locked.path, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    struct stat status {};
    if (!entry || ::fstat(entry.get(), &status) != 0) return;
    // Only the owner's bits are put back: a setgid bit may have been taken off meanwhile.
    const mode_t mode = (status.st_mode & 07077U) | (locked.mode & S_IRWXU);
    const std::string link = "/proc/self/fd/" + std::to_string(entry.get());
    (void)::chmod(link.c_str(), mode);
  });
}

}  // namespace sandbox_run::workspace
