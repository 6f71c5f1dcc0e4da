// Paths looked up for another process, one component after the other.
//
// Must:     say "missing" only of what is: an exec is refused for it. ".." and links are taken as
//           the kernel takes them, not as text.
// Must not: follow an absolute link to our own root, go up and out of the process's, open a file
//           for reading, or use more descriptors than a bound.

#include "watch/process_root.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

#include "base/path.h"
#include "base/text.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxDepth = 128;  // each level is a descriptor
constexpr int kMaxSteps = 1024;
constexpr int kMaxLinks = 40;  // as path_resolution(7)

base::UniqueFd open_of_thread(int thread, const std::string& name) {
  const std::string path = "/proc/" + std::to_string(thread) + "/" + name;
  return base::UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/// One look: where it has come to, and what is still to follow.
class Walk {
 public:
  Walk(int root, const std::string& path, LastLink last) : root_(root), last_(last) { push(path); }

  Look run() {
    if (!stat_of(root_, root_status_)) return unclear();
    for (int steps = 0; !rest_.empty(); ++steps) {
      if (steps == kMaxSteps) return unclear();
      const std::string name = std::move(rest_.back());
      rest_.pop_back();
      const int error = name == "." || name == ".." ? stay_or_go_up(name) : step(name);
      if (error == kProc) return in_proc();
      if (error != 0) return failed(error, name);
    }
    Look look;
    look.result = Look::Result::found;
    look.status = status();
    look.real_path = levels_.empty() ? "/" : path_here();
    return look;
  }

 private:
  struct Level {
    base::UniqueFd fd;
    struct stat status;
    std::string name;
  };

  static constexpr int kUnclear = -1;
  static constexpr int kProc = -2;

  static Look unclear() { return {}; }
  static bool stat_of(int fd, struct stat& status) { return ::fstat(fd, &status) == 0; }

  std::string path_here() const {
    std::string path;
    for (const Level& level : levels_) path += "/" + level.name;
    return path;
  }

  Look failed(int error, const std::string& name) const {
    // Whoever is not root looks with the same rights as the process; root's are others.
    const bool certain =
        error == ENOENT || error == ENOTDIR || (error == EACCES && ::geteuid() != 0);
    if (!certain) return unclear();
    Look look;
    look.result = Look::Result::missing;
    look.error = error;
    const bool is_last = rest_.empty() || (rest_.size() == 1 && rest_.front() == ".");
    if (error == ENOENT && is_last) look.real_path = path_here() + "/" + name;
    return look;
  }

  Look in_proc() const {
    Look look;
    look.in_proc = base::join({rest_.rbegin(), rest_.rend()}, "/");
    return look;
  }

  int here() const { return levels_.empty() ? root_ : levels_.back().fd.get(); }
  const struct stat& status() const {
    return levels_.empty() ? root_status_ : levels_.back().status;
  }

  /// Puts a path's components before what is left. "x/" is "x/.": x must be a directory.
  void push(const std::string& path) {
    if (!path.empty() && path.back() == '/') rest_.emplace_back(".");
    std::size_t end = path.size();
    while (end > 0) {
      const std::size_t slash = path.rfind('/', end - 1);
      const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
      if (begin < end) rest_.push_back(path.substr(begin, end - begin));
      if (slash == std::string::npos) break;
      end = slash;
    }
  }

  int stay_or_go_up(const std::string& name) {
    if (!S_ISDIR(status().st_mode)) return ENOTDIR;
    if (name == ".." && !levels_.empty()) levels_.pop_back();
    return 0;
  }

  int step(const std::string& name) {
    if (levels_.size() == kMaxDepth) return kUnclear;
    Level level;
    level.fd = base::UniqueFd(::openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!level.fd) return errno;
    if (!stat_of(level.fd.get(), level.status)) return kUnclear;
    if (level.status.st_dev != status().st_dev) {
      struct statfs system {};
      if (::fstatfs(level.fd.get(), &system) != 0) return kUnclear;
      if (system.f_type == PROC_SUPER_MAGIC) return kProc;
    }
    const bool is_meant = last_ == LastLink::itself && rest_.empty();
    if (S_ISLNK(level.status.st_mode) && !is_meant) return follow(level.fd.get());
    level.name = name;
    levels_.push_back(std::move(level));
    return 0;
  }

  int follow(int link) {
    if (++links_ > kMaxLinks) return kUnclear;
    std::array<char, PATH_MAX> target;
    const ssize_t length = ::readlinkat(link, "", target.data(), target.size());
    if (length <= 0 || length == static_cast<ssize_t>(target.size())) return kUnclear;
    if (target[0] == '/') levels_.clear();
    push(std::string(target.data(), static_cast<std::size_t>(length)));
    return 0;
  }

  int root_;
  LastLink last_;
  struct stat root_status_ {};
  std::vector<Level> levels_;
  std::vector<std::string> rest_;  // the next one last
  int links_ = 0;
};

}  // namespace

ProcessRoot::ProcessRoot(int thread, int directory) : root_(open_of_thread(thread, "root")) {
  const std::string link = directory == AT_FDCWD ? "cwd" : "fd/" + std::to_string(directory);
  directory_ = open_of_thread(thread, link);
  path_ = read_process_link(thread, link);
  const std::string root = read_process_link(thread, "root");
  if (root == "/") return;
  if (!root.empty() && base::is_beneath(path_, root)) {
    path_ = "/" + base::relative_to(path_, root);
  } else {
    path_.clear();
  }
}

ProcessRoot::ProcessRoot(base::UniqueFd root, base::UniqueFd directory, std::string path)
    : root_(std::move(root)), directory_(std::move(directory)), path_(std::move(path)) {}

Look ProcessRoot::look_up(const std::string& path, LastLink last) const {
  if (!root_ || path.empty()) return {};
  if (path.front() == '/') return Walk(root_.get(), path, last).run();
  struct stat status {};
  if (path_.empty() || !directory_ || ::fstat(directory_.get(), &status) != 0) return {};
  const Look here = Walk(root_.get(), path_, LastLink::followed).run();
  const bool is_there = here.result == Look::Result::found && here.status.st_dev == status.st_dev &&
                        here.status.st_ino == status.st_ino;
  return is_there ? Walk(root_.get(), path_ + "/" + path, last).run() : Look{};
}

base::UniqueFd ProcessRoot::open(const std::string& real_path) const {
  if (!root_ || !real_path.starts_with('/')) return {};
  // O_NONBLOCK: neither a FIFO nor a lease that the package holds on the file may stop the watch.
  base::UniqueFd file(
      base::try_open_beneath(root_.get(), real_path.substr(1), O_RDONLY | O_NONBLOCK));
  struct stat status {};
  const bool is_file = file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
  return is_file ? std::move(file) : base::UniqueFd();
}

}  // namespace sandbox_run::watch
