#include "workspace/host_view.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/path.h"
#include "base/sys_error.h"
#include "workspace/overlay_marks.h"
#include "workspace/tree_walk.h"

namespace sandbox_run::workspace {
namespace {

using policy::Verdict;

constexpr unsigned kStatxMask = STATX_BASIC_STATS | STATX_MNT_ID;

std::int64_t nanoseconds(const statx_timestamp& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

bool is_stricter(Verdict a, Verdict b) {
  const auto rank = [](Verdict verdict) {
    return verdict == Verdict::protect ? 2 : verdict == Verdict::hold ? 1 : 0;
  };
  return rank(a) > rank(b);
}

bool is_closed(int dir_fd, const char* name, const struct statx& status) {
  if (status.stx_uid == ::geteuid() || S_ISLNK(status.stx_mode)) return false;
  const bool is_directory = S_ISDIR(status.stx_mode);
  // Shut by its owner's mode, only its owner could open it for the moment of a change.
  if (is_directory && (status.stx_mode & S_IRWXU) != S_IRWXU && ::geteuid() != 0) return true;
  const int wanted = is_directory ? R_OK | W_OK | X_OK : R_OK;
  return ::faccessat(dir_fd, name, wanted, AT_EACCESS | AT_SYMLINK_NOFOLLOW) != 0;
}

bool has_same_content(int layer_dir, int host_dir, const char* name) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  const base::UniqueFd ours(::openat(layer_dir, name, kFlags));
  const base::UniqueFd theirs(::openat(host_dir, name, kFlags));
  if (!ours || !theirs) return false;  // can't be compared: a change
  std::array<char, 32768> a;
  std::array<char, 32768> b;
  while (true) {
    const ssize_t got = ::read(ours.get(), a.data(), a.size());
    if (got < 0) return false;
    ssize_t filled = 0;
    while (filled < got) {
      const ssize_t more =
          ::read(theirs.get(), b.data() + filled, static_cast<std::size_t>(got - filled));
      if (more <= 0) return false;
      filled += more;
    }
    if (got == 0) return ::read(theirs.get(), b.data(), 1) == 0;
    if (std::memcmp(a.data(), b.data(), static_cast<std::size_t>(got)) != 0) return false;
  }
}

}  // namespace

bool is_identical(int layer_dir, int host_dir, const char* name, const struct stat& status) {
  if (S_ISLNK(status.st_mode)) {
    return base::read_link(layer_dir, name) == base::read_link(host_dir, name);
  }
  return S_ISREG(status.st_mode) && has_same_content(layer_dir, host_dir, name) &&
         user_attributes(layer_dir, name) == user_attributes(host_dir, name);
}

HostView::HostView(int root_fd, const LayerRecord& layer) : root_fd_(root_fd), layer_(layer) {
  if (root_fd_ < 0) return;
  struct statx status {};
  base::check_sys(::statx(root_fd_, "", AT_EMPTY_PATH, kStatxMask, &status), "looking at a target");
  mount_id_ = status.stx_mnt_id;
}

bool HostView::has_changed(const HostEntry& entry) const {
  if (entry.ctime < layer_.changed_since) return false;
  const auto touched = layer_.touched.find(entry.inode);
  return touched == layer_.touched.end() || touched->second != entry.ctime;
}

HostEntry HostView::look(int dir_fd, const char* name) const {
  HostEntry entry;
  if (dir_fd < 0) return entry;
  struct statx status {};
  if (::statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, kStatxMask, &status) != 0) {
    if (errno == ENOENT) return entry;
    throw base::SysError(std::string("looking at ") + name);
  }
  entry.exists = true;
  entry.is_mount_point = status.stx_mnt_id != mount_id_;
  entry.uid = status.stx_uid;
  entry.gid = status.stx_gid;
  entry.is_closed = is_closed(dir_fd, name, status);
  entry.mode = status.stx_mode;
  entry.size = status.stx_size;
  entry.inode = status.stx_ino;
  entry.mtime = nanoseconds(status.stx_mtime);
  entry.ctime = nanoseconds(status.stx_ctime);
  return entry;
}

base::UniqueFd HostView::directory(const std::string& path) const {
  if (root_fd_ < 0) return {};
  base::UniqueFd directory(try_open_directory(root_fd_, path));
  struct statx status {};
  if (!directory || ::statx(directory.get(), "", AT_EMPTY_PATH, kStatxMask, &status) != 0 ||
      status.stx_mnt_id != mount_id_ || ::faccessat(directory.get(), ".", X_OK, AT_EACCESS) != 0) {
    return {};
  }
  return directory;
}

// With a helper, for it is half of what the commit of a re-install takes.
HostView::TreeFacts HostView::examine(const std::string& path, const Judge& judge) const {
  TreeFacts facts;
  TreeFacts helpers;
  const std::optional<policy::Judgement> whole = judge.subtree(path);
  if (whole) facts.add(*whole);
  const auto looking = [&](TreeFacts& seen) {
    TreeVisitor visitor;
    visitor.entry = [&](int fd, const std::string& dir_path, const char* name, unsigned char) {
      const HostEntry entry = look(fd, name);
      if (!entry.exists) return Next::skip;
      seen.has_changed = seen.has_changed || has_changed(entry);
      seen.is_unreadable = seen.is_unreadable || entry.is_mount_point;
      seen.is_closed = seen.is_closed || (entry.is_closed && S_ISDIR(entry.mode));
      if (!whole) {
        policy::Judgement judgement = judge.entry(child_path(dir_path, name));
        if (judgement.verdict == Verdict::manifest)
          judgement.verdict = Verdict::protect;  // it goes
        seen.add(std::move(judgement));
      }
      return entry.is_mount_point ? Next::skip : Next::descend;
    };
    return visitor;
  };
  PassableScope host(root_fd_, Access::as_it_is);
  try {
    walk_tree_with_helper(path, host, looking(facts), looking(helpers));
  } catch (const base::SysError&) {
    facts.is_unreadable = true;
  } catch (const TooDeep&) {
    facts.is_unreadable = true;
  }
  facts.has_changed = facts.has_changed || helpers.has_changed;
  facts.is_unreadable = facts.is_unreadable || helpers.is_unreadable;
  facts.is_closed = facts.is_closed || helpers.is_closed;
  facts.add(std::move(helpers.strictest));
  return facts;
}

void HostView::TreeFacts::add(policy::Judgement judgement) {
  if (is_stricter(judgement.verdict, strictest.verdict)) strictest = std::move(judgement);
}

}  // namespace sandbox_run::workspace
