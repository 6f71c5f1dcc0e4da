#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

// The mount system calls that Debian 12's libc has no good headers for, with errors thrown.

namespace sandbox_run::sandbox {

/// open_tree(2) with OPEN_TREE_CLONE|AT_RECURSIVE of a path that is opened without following a link
/// in its last component. Throws SysError.
base::UniqueFd clone_tree(const std::string& source);
/// mount_setattr(2) on a whole detached tree; `attributes` are MOUNT_ATTR_*. Throws SysError.
void set_mount_attributes(int mount_fd, std::uint64_t attributes, const std::string& what);
/// move_mount(2) of a detached mount onto the file or directory `name` in `target_fd`, which may be
/// no link; "": onto `target_fd` itself. Throws SysError.
void attach_mount(int mount_fd, int target_fd, const std::string& name, const std::string& what);

/// fsopen(2) … fsmount(2): options are set one by one, so no value needs escaping.
class NewFilesystem {
 public:
  explicit NewFilesystem(const std::string& type);
  NewFilesystem& set(const char* key, const std::string& value);
  NewFilesystem& flag(const char* key);
  /// Detached mount with MOUNT_ATTR_* `attributes`. Throws SysError with the kernel's own words.
  base::UniqueFd mount(std::uint64_t attributes, const std::string& what);

 private:
  [[noreturn]] void fail(const std::string& what) const;
  std::string type_;
  base::UniqueFd context_;
};

}  // namespace sandbox_run::sandbox
