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

HostView::TreeFacts HostView::examine(const std::string& path, const Judge& judge) const {
  TreeFacts facts;
  const std::optional<policy::Judgement> whole = judge.subtree(path);
  if (whole && is_stricter(whole->verdict, facts.strictest.verdict)) facts.strictest = *whole;
  PassableScope host(root_fd_, Access::as_it_is);
  TreeVisitor visitor;
  visitor.entry = [&](int fd, const std::string& dir_path, const char* name, unsigned char) {
    const HostEntry entry = look(fd, name);
    if (!entry.exists) return Next::skip;
    facts.has_changed = facts.has_changed || has_changed(entry);
    facts.is_unreadable = facts.is_unreadable || entry.is_mount_point;
    if (!whole) {
      policy::Judgement judgement = judge.entry(child_path(dir_path, name));
      if (judgement.verdict == Verdict::manifest) judgement.verdict = Verdict::protect;  // it goes
      if (is_stricter(judgement.verdict, facts.strictest.verdict)) {
        facts.strictest = std::move(judgement);
      }
    }
    return entry.is_mount_point ? Next::skip : Next::descend;
  };
  try {
    walk_tree(path, host, visitor);
  } catch (const base::SysError&) {
    facts.is_unreadable = true;
  } catch (const TooDeep&) {
    facts.is_unreadable = true;
  }
  return facts;
}

}  // namespace sandbox_run::workspace
