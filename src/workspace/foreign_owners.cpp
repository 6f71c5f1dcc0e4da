#include "workspace/foreign_owners.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "base/unique_fd.h"
#include "workspace/tree.h"
#include "workspace/tree_walk.h"

namespace sandbox_run::workspace {
namespace {

constexpr std::size_t kMaxExamples = 3;
/// Of a cache, whose files are many and of one kind: that they are others' shows in the upper
/// levels.
constexpr std::ptrdiff_t kCacheLevels = 3;
constexpr int kLookFlags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;

bool is_nearer(const std::string& a, const std::string& b) {
  const auto key = [](const std::string& path) {
    return std::make_tuple(std::count(path.begin(), path.end(), '/'), std::cref(path));
  };
  return key(a) < key(b);
}

/// Keeps the nearest few; there may be as many as files.
void add_example(std::vector<std::string>& examples, std::string path) {
  examples.insert(std::upper_bound(examples.begin(), examples.end(), path, is_nearer),
                  std::move(path));
  if (examples.size() > kMaxExamples) examples.pop_back();
}

class Search {
 public:
  Search(const Target& target, bool maps_all)
      : target_(target),
        maps_all_(maps_all),
        uid_(::geteuid()),
        gid_(::getegid()),
        root_(open_real_directory(target.path)) {}

  ForeignOwners run() {
    struct statx status {};
    base::check_sys(::statx(root_.get(), "", AT_EMPTY_PATH, kMask, &status), "looking at a target");
    mount_id_ = status.stx_mnt_id;
    ForeignOwners found;
    look(root_.get(), "", ".", status, found);
    ForeignOwners helpers;
    PassableScope directories(root_.get(), Access::where_allowed);
    try {
      walk_tree_with_helper("", directories, visitor(found), visitor(helpers));
    } catch (const TooDeep&) {
      // What was found by then is worth something; a commit refuses to change such a tree.
    }
    found.stop_overlays = found.stop_overlays || helpers.stop_overlays;
    found.not_to_hide.merge(helpers.not_to_hide);
    for (std::string& path : helpers.closed) add_example(found.closed, std::move(path));
    return found;
  }

 private:
  static constexpr unsigned kMask = STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID | STATX_MNT_ID;

  TreeVisitor visitor(ForeignOwners& found) const {
    TreeVisitor visitor;
    visitor.entry = [this, &found](int dir_fd, const std::string& dir_path, const char* name,
                                   unsigned char type) {
      // The owner of a link is nobody's concern: it can only be removed.
      struct statx status {};
      if (type == DT_LNK || ::statx(dir_fd, name, kLookFlags, kMask, &status) != 0 ||
          status.stx_mnt_id != mount_id_) {
        return Next::skip;
      }
      if (!is_own(status)) look(dir_fd, name, child_path(dir_path, name), status, found);
      return is_deep_enough(dir_path) ? Next::skip : Next::descend;
    };
    return visitor;
  }

  bool is_deep_enough(const std::string& dir_path) const {
    const auto level = dir_path.empty() ? 1 : 2 + std::count(dir_path.begin(), dir_path.end(), '/');
    return target_.kind == policy::TargetKind::cache && level >= kCacheLevels;
  }

  bool is_own(const struct statx& status) const {
    return status.stx_uid == uid_ && (maps_all_ || status.stx_gid == gid_);
  }

  /// `name` "" is `dir_fd` itself.
  void look(int dir_fd, const char* name, const std::string& path, const struct statx& status,
            ForeignOwners& found) const {
    if (is_own(status)) return;
    const std::string top = path.substr(0, path.find('/'));
    const bool is_hidden =
        std::find(target_.hidden.begin(), target_.hidden.end(), top) != target_.hidden.end();
    constexpr int kFlags = AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
    if (status.stx_uid != uid_ && ::faccessat(dir_fd, name, W_OK, kFlags) != 0) {
      add_example(found.closed, path);
      if (is_hidden && S_ISDIR(status.stx_mode)) found.not_to_hide.insert(top);
    } else if (!is_hidden && !(maps_all_ && may_all_write(status))) {
      found.stop_overlays = true;
    }
  }

  bool may_all_write(const struct statx& status) const {
    const unsigned bits = status.stx_gid == gid_ ? S_IWGRP | S_IWOTH : S_IWOTH;
    return (status.stx_mode & bits) != 0;
  }

  const Target& target_;
  const bool maps_all_;
  const uid_t uid_;
  const gid_t gid_;
  base::UniqueFd root_;
  std::uint64_t mount_id_ = 0;
};

}  // namespace

ForeignOwners look_for_foreign_owners(const Target& target, bool maps_all) {
  if (target.lower_is_empty) return {};
  try {
    return Search(target, maps_all).run();
  } catch (const base::SysError&) {
    return {};  // whoever uses it says so
  }
}

}  // namespace sandbox_run::workspace
