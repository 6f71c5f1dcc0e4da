#include "base/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "base/sys_error.h"

namespace sandbox_run::base {
std::string absolute_path(std::string_view path, std::string_view cwd) {
  std::string whole;
  if (path.empty() || path.front() != '/') {
    whole = std::string(cwd) + "/";
  }
  whole += path;
  std::vector<std::string_view> parts;
  std::string_view rest = whole;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
      continue;
    }
    parts.push_back(part);
  }
  std::string result;
  for (const std::string_view part : parts) {
    result += '/';
    result += part;
  }
  return result.empty() ? "/" : result;
}

std::string join_path(std::string_view a, std::string_view b) {
  if (a.empty()) return std::string(b);
  if (b.empty()) return std::string(a);
  std::string result(a);
  if (result.back() != '/') result += '/';
  result += b.front() == '/' ? b.substr(1) : b;
  return result;
}

std::string parent_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string file_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

bool is_beneath(std::string_view path, std::string_view directory) {
  if (directory == "/") return !path.empty() && path.front() == '/';
  return path.substr(0, directory.size()) == directory &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string relative_to(std::string_view path, std::string_view directory) {
  if (path.size() <= directory.size()) return "";
  std::string_view rest = path.substr(directory.size());
  if (!rest.empty() && rest.front() == '/') rest.remove_prefix(1);
  return std::string(rest);
}

namespace {

/// Not "there is none", but "it can't be told": who looks for what is to be hidden must not go on.
void throw_if_untold(const std::string& path) {
  for (const int error : {EIO, ENOMEM, EMFILE, ENFILE}) {
    if (errno == error) throw SysError(error, "looking at " + path);
  }
}

}  // namespace

std::optional<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr),
                                                             &std::free);
  if (!resolved) {
    throw_if_untold(path);
    return std::nullopt;
  }
  return std::string(resolved.get());
}

std::optional<struct stat> stat_no_follow(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    throw_if_untold(path);
    return std::nullopt;
  }
  return status;
}

bool exists(const std::string& path) { return stat_no_follow(path).has_value(); }

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string read_link(int dir_fd, const std::string& name) {
  std::array<char, PATH_MAX> buffer;
  const ssize_t size = check_sys(::readlinkat(dir_fd, name.c_str(), buffer.data(), buffer.size()),
                                 "reading link " + name);
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

std::string path_of(int fd) { return read_link(AT_FDCWD, "/proc/self/fd/" + std::to_string(fd)); }

static int try_open(int dir_fd, const std::string& path, int flags, mode_t mode,
                    std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = resolve;
  const char* name = path.empty() ? "." : path.c_str();
  for (int attempts_left = 100;; --attempts_left) {
    const long fd = ::syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
    // EAGAIN: a rename raced with the walk and the kernel could not prove it stayed beneath. Not
    // for ever: somebody may go on renaming, or hold a lease on a file that is opened with
    // O_NONBLOCK.
    if (fd >= 0 || (errno != EINTR && (errno != EAGAIN || attempts_left == 0))) {
      return static_cast<int>(fd);
    }
  }
}

int try_open_beneath(int dir_fd, const std::string& path, int flags, mode_t mode) {
  return try_open(dir_fd, path, flags, mode,
                  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int try_open_inside(int dir_fd, const std::string& path, int flags) {
  return try_open(dir_fd, path, flags, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

UniqueFd open_beneath(int dir_fd, const std::string& path, int flags, mode_t mode) {
  return UniqueFd(check_sys(try_open_beneath(dir_fd, path, flags, mode), "opening " + path));
}

void make_directories(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return;
  if (errno == EEXIST && is_directory(path)) return;
  if (errno == ENOENT && path.size() > 1) {
    make_directories(parent_path(path), mode);
    if (::mkdir(path.c_str(), mode) == 0 || (errno == EEXIST && is_directory(path))) return;
  }
  throw SysError("making directory " + path);
}

std::vector<DirectoryEntry> list_directory(int dir_fd) {
  // A descriptor of its own: reading moves its offset. Not readdir(3)'s, which makes five more
  // calls.
  const UniqueFd directory(check_sys(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                     "opening a directory to list it"));
  constexpr std::size_t kBuffer = 32U * 1024U;
  alignas(dirent64) std::array<char, kBuffer> buffer;  // NOLINT(*-member-init): the kernel fills it
  std::vector<DirectoryEntry> entries;
  while (true) {
    const ssize_t size = check_sys(::getdents64(directory.get(), buffer.data(), buffer.size()),
                                   "listing a directory");
    if (size == 0) return entries;
    for (ssize_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      at += entry->d_reclen;
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      entries.push_back({std::string(name), entry->d_type});
    }
  }
}

void remove_tree(int dir_fd, const std::string& name) {
  if (::unlinkat(dir_fd, name.c_str(), 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM && errno != EACCES) {
    throw SysError("removing " + name);
  }
  if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) == 0) return;
  // O_PATH needs no permission on the directory itself; chmod by /proc/self/fd follows no link.
  const UniqueFd path(
      check_sys(::openat(dir_fd, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                "removing " + name));
  struct stat status {};
  check_sys(::fstat(path.get(), &status), "removing " + name);
  if ((status.st_mode & S_IRWXU) != S_IRWXU) {
    const std::string by_fd = "/proc/self/fd/" + std::to_string(path.get());
    check_sys(::chmod(by_fd.c_str(), S_IRWXU), "making " + name + " passable");
  }
  const UniqueFd directory(
      check_sys(::openat(path.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "removing " + name));
  for (const DirectoryEntry& entry : list_directory(directory.get())) {
    remove_tree(directory.get(), entry.name);
  }
  check_sys(::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR), "removing " + name);
}

void remove_tree(const std::string& path) { remove_tree(AT_FDCWD, path); }

}  // namespace sandbox_run::base
