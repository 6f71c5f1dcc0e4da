#include "workspace/owners.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/sys_error.h"
#include "workspace/tree_walk.h"

namespace sandbox_run::workspace {
namespace {

/// False: not a member.
bool give(int dir_fd, const char* name, gid_t gid) {
  if (::fchownat(dir_fd, name, static_cast<uid_t>(-1), gid, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == EPERM) return false;
  throw base::SysError(std::string("giving a group to ") + name);
}

}  // namespace

void give_group(int root_fd, const std::string& path, gid_t gid) {
  const Located at = locate(root_fd, path);
  struct stat status {};
  if (!stat_entry(at.directory.get(), at.name.c_str(), status)) return;
  if (!give(at.directory.get(), at.name.c_str(), gid) || !S_ISDIR(status.st_mode)) return;
  PassableScope passable(at.directory.get());
  TreeVisitor visitor;
  visitor.entry = [&](int fd, const std::string&, const char* name, unsigned char) {
    give(fd, name, gid);
    return Next::descend;
  };
  walk_tree(at.name, passable, visitor);
}

void give_owner(int root_fd, const std::string& path, uid_t uid, gid_t gid) {
  const Located at = locate(root_fd, path);
  base::check_sys(::fchownat(at.directory.get(), at.name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW),
                  "giving an owner to " + path);
}

}  // namespace sandbox_run::workspace
