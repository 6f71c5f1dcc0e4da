#include "workspace/copy_tree.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <vector>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "workspace/tree_walk.h"
#include "workspace/work_done.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;
using base::UniqueFd;

constexpr std::size_t kMaxAttributes = 65536;

bool is_copied_attribute(std::string_view name) {
  return (name.substr(0, 5) == "user." && name.substr(0, 13) != "user.overlay.") ||
         name.substr(0, 17) == "system.posix_acl_";
}

void copy_attributes(int from, int to) {
  std::vector<char> names(kMaxAttributes);
  const ssize_t size = ::flistxattr(from, names.data(), names.size());
  if (size <= 0) return;  // none, or a file system without
  std::vector<char> value(kMaxAttributes);
  for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
    const std::string_view name = names.data() + at;
    at += name.size() + 1;
    if (!is_copied_attribute(name)) continue;
    const ssize_t length =
        check_sys(::fgetxattr(from, name.data(), value.data(), value.size()), "reading attributes");
    const int set = ::fsetxattr(to, name.data(), value.data(), static_cast<std::size_t>(length), 0);
    // Another file system may know no such attribute: the content counts.
    if (set != 0 && errno != EOPNOTSUPP) throw base::SysError("copying attributes");
  }
}

void copy_range_by_hand(int from, int to, off_t offset, off_t end) {
  std::vector<char> buffer(std::size_t{1} << 18U);
  while (offset < end) {
    const auto want = std::min(buffer.size(), static_cast<std::size_t>(end - offset));
    const ssize_t got = check_sys(::pread(from, buffer.data(), want, offset), "copying a file");
    if (got == 0) return;
    for (ssize_t put = 0; put < got;) {
      put += check_sys(
          ::pwrite(to, buffer.data() + put, static_cast<std::size_t>(got - put), offset + put),
          "copying a file");
    }
    offset += got;
  }
}

void copy_range(int from, int to, off_t offset, off_t end) {
  while (offset < end) {
    off_t in = offset;
    off_t out = offset;
    const ssize_t copied =
        ::copy_file_range(from, &in, to, &out, static_cast<std::size_t>(end - offset), 0);
    if (copied == 0) return;
    if (copied < 0) {
      if (errno == ENOSPC || errno == EDQUOT || errno == EIO) {
        throw base::SysError("copying a file");
      }
      copy_range_by_hand(from, to, offset, end);  // EXDEV, EINVAL, ENOSYS: not between these two
      return;
    }
    offset += copied;
  }
}

/// Data only, not holes: a sparse file of a terabyte takes no terabyte here.
void copy_content(int from, int to, off_t size) {
  if (size == 0) return;
  if (::ioctl(to, FICLONE, from) == 0) return;
  check_sys(::ftruncate(to, size), "copying a file");
  off_t at = 0;
  while (at < size) {
    const off_t data = ::lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return;  // a hole up to the end
    if (data < 0) {                          // a file system that knows no holes
      copy_range(from, to, at, size);
      return;
    }
    const off_t hole = check_sys(::lseek(from, data, SEEK_HOLE), "copying a file");
    copy_range(from, to, data, hole);
    at = hole;
  }
}

/// Opens a file that its owner may not read, too: its mode is put back before this returns. None if
/// it is to be left as it is, and may not be read.
UniqueFd open_to_read(int dir_fd, const std::string& name, Access access) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  UniqueFd file(::openat(dir_fd, name.c_str(), kFlags));
  if (file) return file;
  if (errno != EACCES) throw base::SysError("opening " + name);
  if (access == Access::as_it_is) return file;
  struct stat status {};
  if (!stat_entry(dir_fd, name.c_str(), status)) throw base::SysError(ENOENT, "opening " + name);
  set_entry_mode(dir_fd, name, (status.st_mode & 07777U) | S_IRUSR);
  file.reset(::openat(dir_fd, name.c_str(), kFlags));
  const int error = errno;
  set_entry_mode(dir_fd, name, status.st_mode & 07777U);
  if (!file) throw base::SysError(error, "opening " + name);
  return file;
}

class Copier {
 public:
  Copier(int to_root, Access access, Owners owners)
      : to_root_(to_root),
        access_(access),
        keeps_owners_(owners == Owners::kept && ::geteuid() == 0) {}

  /// `to_path` is relative to the copy's root, as the hard links remember it.
  void copy_file(int from_dir, const std::string& from_name, const std::string& to_path) {
    ++work_done;
    const UniqueFd from = open_to_read(from_dir, from_name, access_);
    if (!from) return make_unreadable_file(to_path);
    struct stat status {};
    check_sys(::fstat(from.get(), &status), "looking at " + from_name);
    if (!S_ISREG(status.st_mode)) throw base::SysError(EINVAL, "copying " + from_name);
    const Located to = locate(to_root_, to_path);
    if (status.st_nlink > 1) {
      const auto [known, is_first] = links_.emplace(status.st_ino, to_path);
      if (!is_first) {
        const Located first = locate(to_root_, known->second);
        check_sys(::linkat(first.directory.get(), first.name.c_str(), to.directory.get(),
                           to.name.c_str(), 0),
                  "linking " + to_path);
        return;
      }
    }
    const UniqueFd copy(
        check_sys(::openat(to.directory.get(), to.name.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600),
                  "making " + to_path));
    copy_content(from.get(), copy.get(), status.st_size);
    copy_owner(copy.get(), status);
    copy_attributes(from.get(), copy.get());
    check_sys(::fchmod(copy.get(), status.st_mode & 07777U), "copying a mode");
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    check_sys(::futimens(copy.get(), times.data()), "copying times");
  }

  void copy_link(int from_dir, const std::string& from_name, const std::string& to_path) {
    struct stat status {};
    if (!stat_entry(from_dir, from_name.c_str(), status)) return;
    const std::string content = base::read_link(from_dir, from_name);
    const Located to = locate(to_root_, to_path);
    check_sys(::symlinkat(content.c_str(), to.directory.get(), to.name.c_str()),
              "making " + to_path);
    // A network file system may have no way to say them of a link (sshfs): they matter to nobody.
    if (keeps_owners_) {
      [[maybe_unused]] const int given = ::fchownat(
          to.directory.get(), to.name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW);
    }
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    (void)::utimensat(to.directory.get(), to.name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
  }

  void copy_directory(int from_dir, const std::string& from_name, const std::string& to_path) {
    PassableScope passable(from_dir, access_);
    struct Made {
      std::string from;
      struct stat status;
    };
    std::vector<Made> made;  // those that were read
    const auto copied_path = [&](const std::string& path) {
      return to_path + path.substr(from_name.size());
    };
    const auto make = [&](int in_dir, const char* name, const std::string& from) {
      struct stat status {};
      if (!stat_entry(in_dir, name, status)) return;
      const Located to = locate(to_root_, copied_path(from));
      check_sys(::mkdirat(to.directory.get(), to.name.c_str(), S_IRWXU), "making " + to_path);
      made.push_back({from, status});
    };
    if (is_closed(from_dir, from_name.c_str())) return make_unreadable_directory(to_path);
    make(from_dir, from_name.c_str(), from_name);
    TreeVisitor visitor;
    visitor.entry = [&](int fd, const std::string& dir_path, const char* name, unsigned char type) {
      const std::string path = child_path(copied_path(dir_path), name);
      if (type == DT_REG) copy_file(fd, name, path);
      if (type == DT_LNK) copy_link(fd, name, path);
      if (type != DT_DIR) return Next::skip;
      if (is_closed(fd, name)) {
        make_unreadable_directory(path);
        return Next::skip;
      }
      make(fd, name, child_path(dir_path, name));
      return Next::descend;
    };
    walk_tree(from_name, passable, visitor);
    // Innermost first: entries made in a directory change its time, its mode may forbid them, and
    // its default access list would be handed on to them.
    for (auto entry = made.rbegin(); entry != made.rend(); ++entry) {
      const UniqueFd directory = open_directory(to_root_, copied_path(entry->from));
      copy_owner(directory.get(), entry->status);
      copy_attributes(passable.open_directory(entry->from).get(), directory.get());
      check_sys(::fchmod(directory.get(), entry->status.st_mode & 07777U), "copying a mode");
      const std::array<timespec, 2> times{entry->status.st_atim, entry->status.st_mtim};
      check_sys(::futimens(directory.get(), times.data()), "copying times");
    }
  }

 private:
  bool is_closed(int dir_fd, const char* name) const {
    return access_ == Access::as_it_is &&
           ::faccessat(dir_fd, name, R_OK | X_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) != 0;
  }

  void make_unreadable_file(const std::string& path) const {
    const Located to = locate(to_root_, path);
    const UniqueFd file(::openat(to.directory.get(), to.name.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0));
    check_sys(file.get(), "making " + path);
  }

  void make_unreadable_directory(const std::string& path) const {
    const Located to = locate(to_root_, path);
    check_sys(::mkdirat(to.directory.get(), to.name.c_str(), 0), "making " + path);
  }

  void copy_owner(int to, const struct stat& status) const {
    if (keeps_owners_) check_sys(::fchown(to, status.st_uid, status.st_gid), "copying an owner");
  }

  int to_root_;
  Access access_;
  bool keeps_owners_;
  std::map<ino_t, std::string> links_;
};

}  // namespace

void copy_entry(int from_dir, const std::string& from_name, int to_dir, const std::string& to_name,
                Access access, Owners owners) {
  struct stat status {};
  if (!stat_entry(from_dir, from_name.c_str(), status)) {
    throw base::SysError(ENOENT, "copying " + from_name);
  }
  Copier copier(to_dir, access, owners);
  if (S_ISDIR(status.st_mode)) return copier.copy_directory(from_dir, from_name, to_name);
  if (S_ISLNK(status.st_mode)) return copier.copy_link(from_dir, from_name, to_name);
  if (S_ISREG(status.st_mode)) copier.copy_file(from_dir, from_name, to_name);
}

}  // namespace sandbox_run::workspace
