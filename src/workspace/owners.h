#pragma once

#include <sys/types.h>

#include <string>

namespace sandbox_run::workspace {

/// Gives the entry `path` beneath `root_fd`, and all beneath it, the group `gid`, as far as the
/// caller may: he must be a member. No link is followed. Throws SysError, TooDeep.
void give_group(int root_fd, const std::string& path, gid_t gid);

/// Of root alone: gives the file `path` beneath `root_fd` that owner and group.
void give_owner(int root_fd, const std::string& path, uid_t uid, gid_t gid);

}  // namespace sandbox_run::workspace
