#include "sandbox/mount_calls.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/sys_error.h"

namespace sandbox_run::sandbox {

using base::check_sys;
using base::SysError;
using base::UniqueFd;

UniqueFd clone_tree(const std::string& source) {
  // Recursive, because a namespace with less privilege may not look beneath a locked mount.
  return UniqueFd(static_cast<int>(
      check_sys(::syscall(SYS_open_tree, AT_FDCWD, source.c_str(),
                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW),
                "taking a view of " + source)));
}

void set_mount_attributes(int mount_fd, std::uint64_t attributes, const std::string& what) {
  mount_attr attr{};
  attr.attr_set = attributes;
  check_sys(
      ::syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr),
      "restricting the view of " + what);
}

void attach_mount(int mount_fd, int target_fd, const std::string& name, const std::string& what) {
  check_sys(::syscall(SYS_move_mount, mount_fd, "", target_fd, name.c_str(),
                      MOVE_MOUNT_F_EMPTY_PATH | (name.empty() ? MOVE_MOUNT_T_EMPTY_PATH : 0U)),
            "mounting " + what);
}

NewFilesystem::NewFilesystem(const std::string& type)
    : type_(type),
      context_(static_cast<int>(check_sys(::syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC),
                                          "opening the file system type " + type))) {}

void NewFilesystem::fail(const std::string& what) const {
  const int error = errno;
  // The context's log holds the reason, a line a read: "e overlay: …" (fsopen(2)).
  std::array<char, 300> log{};
  const ssize_t size = ::read(context_.get(), log.data(), log.size() - 1);
  std::string reason;
  if (size > 2)
    reason = " (" + std::string(log.data() + 2, static_cast<std::size_t>(size - 2)) + ")";
  if (!reason.empty() && reason[reason.size() - 2] == '\n') reason.erase(reason.size() - 2, 1);
  throw SysError(error, "mounting " + what + reason);
}

NewFilesystem& NewFilesystem::set(const char* key, const std::string& value) {
  if (::syscall(SYS_fsconfig, context_.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) != 0) {
    fail(type_ + " with " + key + "=" + value);
  }
  return *this;
}

NewFilesystem& NewFilesystem::flag(const char* key) {
  if (::syscall(SYS_fsconfig, context_.get(), FSCONFIG_SET_FLAG, key, nullptr, 0) != 0) {
    fail(type_ + " with " + key);
  }
  return *this;
}

UniqueFd NewFilesystem::mount(std::uint64_t attributes, const std::string& what) {
  if (::syscall(SYS_fsconfig, context_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    fail(what);
  }
  const long fd =
      ::syscall(SYS_fsmount, context_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
  if (fd < 0) fail(what);
  return UniqueFd(static_cast<int>(fd));
}

}  // namespace sandbox_run::sandbox
