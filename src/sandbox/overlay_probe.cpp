#include "sandbox/overlay_probe.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <exception>

#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "sandbox/mount_calls.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using base::UniqueFd;

/// See ioctl_iflags(2). A directory's own property, inherited by those in it.
bool folds_case(int fd) {
  constexpr int kCaseFold = 0x40000000;  // FS_CASEFOLD_FL
  const UniqueFd readable(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int flags = 0;
  return readable && ::ioctl(readable.get(), FS_IOC_GETFLAGS, &flags) == 0 &&
         (flags & kCaseFold) != 0;
}

bool is_known_to_fit(int fd) {
  struct statfs status {};
  check_sys(::fstatfs(fd, &status), "looking at a file system");
  switch (static_cast<std::uint32_t>(status.f_type)) {
    case BTRFS_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
      return true;
    case EXT4_SUPER_MAGIC:  // also of ext2 and ext3
    case TMPFS_MAGIC:
      return !folds_case(fd);
    default:
      return false;
  }
}

/// In a process of its own. A host without namespaces says so when the sandbox is launched: nothing
/// need be copied before.
bool mounts_above(int fd) noexcept {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return true;
  try {
    // Two lower directories and no upper: nothing is written anywhere.
    NewFilesystem("overlay")
        .set("lowerdir", "/proc/self/fd/" + std::to_string(fd) + ":/usr")
        .flag("userxattr")
        .mount(0, "an overlay");
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

bool can_be_lower(const std::string& directory) {
  const UniqueFd fd(check_sys(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC),
                              "opening " + directory));
  if (is_known_to_fit(fd.get())) return true;
  const pid_t child = check_sys(::fork(), "trying an overlay");
  if (child == 0) ::_exit(mounts_above(fd.get()) ? 0 : 1);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw base::SysError("trying an overlay");
  }
  return status == 0;
}

}  // namespace sandbox_run::sandbox
