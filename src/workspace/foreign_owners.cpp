#include "workspace/foreign_owners.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <deque>

#include "base/unique_fd.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

constexpr std::size_t kMaxLooked = 2000;  // some 2 ms
constexpr std::size_t kMaxExamples = 3;

class Search {
 public:
  Search(const Target& target, bool maps_all)
      : target_(target), maps_all_(maps_all), root_(open_real_directory(target.path)) {}

  ForeignOwners run() {
    look(root_.get(), ".", ".");
    pending_.emplace_back();
    while (!pending_.empty() && looked_ < kMaxLooked) {
      const std::string directory = std::move(pending_.front());
      pending_.pop_front();
      read(directory);
    }
    return std::move(found_);
  }

 private:
  void read(const std::string& path) {
    const base::UniqueFd directory(try_open_directory(root_.get(), path));
    if (!directory) return;
    for_each_entry(directory.get(), buffer_, [&](const char* name, unsigned char type) {
      // The owner of a link is nobody's concern: it can only be removed.
      if (type == DT_LNK || ++looked_ > kMaxLooked) return;
      std::string entry = child_path(path, name);
      look(directory.get(), name, entry);
      if (type == DT_DIR) pending_.push_back(std::move(entry));
    });
  }

  void look(int dir_fd, const char* name, const std::string& path) {
    struct stat status {};
    if (!stat_entry(dir_fd, name, status)) return;
    const bool is_own = status.st_uid == ::geteuid();
    if (is_own && (maps_all_ || status.st_gid == ::getegid())) return;
    const std::string top = path.substr(0, path.find('/'));
    const bool is_hidden =
        std::find(target_.hidden.begin(), target_.hidden.end(), top) != target_.hidden.end();
    constexpr int kFlags = AT_EACCESS | AT_SYMLINK_NOFOLLOW;
    if (!is_own && ::faccessat(dir_fd, name, W_OK, kFlags) != 0) {
      if (found_.closed.size() < kMaxExamples) found_.closed.push_back(path);
      if (is_hidden && S_ISDIR(status.st_mode)) found_.not_to_hide.insert(top);
    } else if (!is_hidden && !(maps_all_ && may_all_write(status))) {
      found_.stop_overlays = true;
    }
  }

  static bool may_all_write(const struct stat& status) {
    const mode_t bits = status.st_gid == ::getegid() ? S_IWGRP | S_IWOTH : S_IWOTH;
    return (status.st_mode & bits) != 0;
  }

  const Target& target_;
  const bool maps_all_;
  base::UniqueFd root_;
  ForeignOwners found_;
  std::deque<std::string> pending_;
  std::size_t looked_ = 0;
  std::vector<char> buffer_;
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
