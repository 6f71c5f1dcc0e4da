// The new root, from the plan's list alone.
//
// Must:     open every source before anything is attached (a mount on /tmp would hide a project
// below
//           /tmp); make mount points only in file systems of our own, never through a link.
// Must not: decide anything; leave the host's tree reachable.
// See mount_namespaces(7), user_namespaces(7), Documentation/filesystems/overlayfs.rst.

#include "sandbox/mount_tree.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "sandbox/mount_calls.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using base::SysError;
using base::UniqueFd;

constexpr std::uint64_t kPlain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

std::string octal(mode_t mode) {
  std::string text;
  for (int shift = 9; shift >= 0; shift -= 3) {
    text += static_cast<char>('0' + ((mode >> static_cast<unsigned>(shift)) & 7U));
  }
  return text;
}

/// A name for `fd` that needs no escaping in mount options, and shows no path of the host in
/// /proc/self/mountinfo inside.
std::string by_fd(const UniqueFd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

UniqueFd open_directory_path(const std::string& path) {
  return UniqueFd(check_sys(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                            "opening " + path));
}

UniqueFd mount_overlay(const plan::Layer& layer) {
  const UniqueFd upper = open_directory_path(layer.upper);
  const UniqueFd work = open_directory_path(layer.work);
  const UniqueFd lower = open_directory_path(layer.lower);
  return NewFilesystem("overlay")
      .set("lowerdir", by_fd(lower))
      .set("upperdir", by_fd(upper))
      .set("workdir", by_fd(work))
      .flag("userxattr")  // without CAP_SYS_ADMIN on the host, trusted.* can't be used
      .flag("volatile")   // no sync of the whole file system at the end; the commit syncs its own
      .mount(kPlain, "the overlay of " + layer.target);
}

/// One overload a kind of step: the detached mount, or none.
struct Collector {
  const plan::Plan& plan;

  UniqueFd operator()(const plan::BindMount& bind) const {
    UniqueFd tree = clone_tree(bind.source);
    std::uint64_t attributes = MOUNT_ATTR_NOSUID;
    if (!bind.device) attributes |= MOUNT_ATTR_NODEV;
    if (bind.access == plan::Access::read_only) attributes |= MOUNT_ATTR_RDONLY;
    set_mount_attributes(tree.get(), attributes, bind.source);
    return tree;
  }
  UniqueFd operator()(const plan::TmpfsMount& tmpfs) const {
    NewFilesystem filesystem("tmpfs");
    filesystem.set("mode", octal(tmpfs.mode));
    if (tmpfs.max_bytes != 0) filesystem.set("size", std::to_string(tmpfs.max_bytes));
    return filesystem.mount(kPlain, tmpfs.target);
  }
  UniqueFd operator()(const plan::WayDirectory&) const { return UniqueFd(); }
  UniqueFd operator()(const plan::ProcMount& proc) const {
    return NewFilesystem("proc").mount(kPlain | MOUNT_ATTR_NOEXEC, proc.target);
  }
  UniqueFd operator()(const plan::DevptsMount& devpts) const {
    return NewFilesystem("devpts")
        .flag("newinstance")
        .set("ptmxmode", "0666")
        .set("mode", "620")
        .set("max", "256")  // of a few thousand of the whole machine
        .mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, devpts.target);
  }
  UniqueFd operator()(const plan::FileCopy&) const { return UniqueFd(); }
  UniqueFd operator()(const plan::Mask& mask) const {
    if (!mask.directory) return UniqueFd();  // a file is masked by a file of the new root itself
    return NewFilesystem("tmpfs")
        .set("mode", "0755")
        .set("size", "4096")
        .mount(kPlain | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, "a mask for " + mask.target);
  }
  UniqueFd operator()(const plan::OverlayMount& overlay) const {
    return mount_overlay(plan.layers.at(overlay.layer));
  }
  UniqueFd operator()(const plan::SymbolicLink&) const { return UniqueFd(); }
  UniqueFd operator()(const plan::TextFile&) const { return UniqueFd(); }
  UniqueFd operator()(const plan::DecoyFile&) const { return UniqueFd(); }
};

/// Directories of the new root, each opened once: made where they are missing, and looked up from
/// the one above without following a link, so that one that is planted in a target can't lead a
/// mount elsewhere (bubblewrap's CVE-2026-87766).
class MountPoints {
 public:
  explicit MountPoints(int root_fd) : root_fd_(root_fd) {}

  int root() const { return root_fd_; }

  /// The directory at `path`; valid until something is mounted there or above.
  int directory(const std::string& path) {
    if (path == "/") return root_fd_;
    if (const auto known = opened_.find(path); known != opened_.end()) return known->second.get();
    const int above = directory(base::parent_path(path));
    const std::string name = base::file_name(path);
    make(::mkdirat(above, name.c_str(), 0755), path);
    UniqueFd here(
        check_sys(::openat(above, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                  "opening the mount point " + path));
    return opened_.emplace(path, std::move(here)).first->second.get();
  }

  void attach(int mount_fd, const std::string& path) {
    if (path == "/") return attach_mount(mount_fd, root_fd_, "", path);  // of a home that is /
    struct stat status {};
    check_sys(::fstatat(mount_fd, "", &status, AT_EMPTY_PATH), "examining a mount");
    const int above = directory(base::parent_path(path));
    const std::string name = base::file_name(path);
    make(S_ISDIR(status.st_mode) ? ::mkdirat(above, name.c_str(), 0755)
                                 : ::mknodat(above, name.c_str(), S_IFREG | 0644, 0),
         path);
    attach_mount(mount_fd, above, name, path);
    forget(path);
  }

  /// Something was mounted at `path`: what was opened there lies beneath it.
  void forget(const std::string& path) {
    std::erase_if(opened_, [&](const auto& one) { return base::is_beneath(one.first, path); });
  }

 private:
  /// What was there stays, as it is.
  static void make(int result, const std::string& path) {
    // Where nothing can be made, the next call says if it is needed.
    if (result != 0 && errno != EEXIST && errno != EROFS && errno != EACCES && errno != EPERM) {
      throw SysError("making a mount point for " + path);
    }
  }

  int root_fd_;
  std::map<std::string, UniqueFd> opened_;
};

/// What is to be hidden, opened without following a link; none if it is gone meanwhile: there is
/// nothing to hide then, and in a tree of the host nothing is made.
UniqueFd existing_point(int root_fd, const std::string& target) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long fd = ::syscall(SYS_openat2, root_fd, target.c_str() + 1, &how, sizeof how);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return UniqueFd();
  return UniqueFd(static_cast<int>(check_sys(fd, "opening what is to be hidden: " + target)));
}

constexpr mode_t kWayMode = 0555;

struct Attacher {
  MountPoints& points;
  const UniqueFd& mount;
  std::vector<UniqueFd>& decoys;

  void attach(const std::string& target) const { points.attach(mount.get(), target); }
  void operator()(const plan::BindMount& bind) const { attach(bind.target); }
  void operator()(const plan::TmpfsMount& tmpfs) const { attach(tmpfs.target); }
  /// Who makes the root may write in it all the same (CAP_DAC_OVERRIDE); nobody has that inside.
  void operator()(const plan::WayDirectory& way) const {
    const std::string doing = "making " + way.target;
    const UniqueFd directory(check_sys(
        ::openat(points.directory(way.target), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), doing));
    check_sys(::fchmod(directory.get(), kWayMode), doing);
  }
  void operator()(const plan::ProcMount& proc) const {
    // Not before: set_network_settings() writes its settings through it.
    set_mount_attributes(mount.get(), MOUNT_ATTR_RDONLY, proc.target);
    attach(proc.target);
  }
  void operator()(const plan::DevptsMount& devpts) const { attach(devpts.target); }
  void operator()(const plan::OverlayMount& overlay) const { attach(overlay.target); }
  void operator()(const plan::Mask& mask) const {
    if (!mask.directory) {
      cover(mask.target, mask.content, mask.content.empty() ? 0400 : 0444);
    } else if (const UniqueFd point = existing_point(points.root(), mask.target)) {
      attach_mount(mount.get(), point.get(), "", mask.target);
      points.forget(mask.target);
    }
  }
  void operator()(const plan::FileCopy& copy) const { cover(copy.target, copy.content, 0444); }
  /// A file of the new root's own tmpfs over the file to hide.
  void cover(const std::string& target, const std::string& content, mode_t mode) const {
    const UniqueFd point = existing_point(points.root(), target);
    if (!point) return;
    constexpr const char* kName = ".mask";
    const std::string doing = "making a mask for " + target;
    const UniqueFd file(check_sys(
        ::openat(points.root(), kName, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), doing));
    base::write_full(file.get(), content, doing);
    const UniqueFd tree(static_cast<int>(check_sys(
        ::syscall(SYS_open_tree, points.root(), kName, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
        doing)));
    set_mount_attributes(tree.get(), kPlain | MOUNT_ATTR_RDONLY, target);
    attach_mount(tree.get(), point.get(), "", target);
    check_sys(::unlinkat(points.root(), kName, 0), doing);
  }
  void operator()(const plan::SymbolicLink& link) const {
    const int parent = points.directory(base::parent_path(link.target));
    check_sys(::symlinkat(link.content.c_str(), parent, base::file_name(link.target).c_str()),
              "linking " + link.target);
  }
  void operator()(const plan::TextFile& text) const {
    const int parent = points.directory(base::parent_path(text.target));
    const UniqueFd file(check_sys(::openat(parent, base::file_name(text.target).c_str(),
                                           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, text.mode),
                                  "making " + text.target));
    base::write_full(file.get(), text.content, "writing " + text.target);
  }
  void operator()(const plan::DecoyFile& decoy) const {
    (*this)(plan::TextFile{decoy.target, decoy.content, 0600});
    const int parent = points.directory(base::parent_path(decoy.target));
    decoys.emplace_back(check_sys(
        ::openat(parent, base::file_name(decoy.target).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC),
        "opening " + decoy.target));
  }
};

}  // namespace

void make_mounts_private(const plan::Plan&, ChildContext&) {
  check_sys(::mount(nullptr, "/", nullptr, MS_PRIVATE | MS_REC, nullptr), "making mounts private");
}

void collect_mounts(const plan::Plan& plan, ChildContext& context) {
  context.root = NewFilesystem("tmpfs").set("mode", "0755").mount(kPlain, "the new root");
  for (const plan::MountStep& step : plan.mounts) {
    context.mounts.push_back(std::visit(Collector{plan}, step));
  }
}

void build_root(const plan::Plan& plan, ChildContext& context) {
  // Any directory that is sure to exist will do: after pivot_root nobody sees it. From here on no
  // path of the host is looked up any more.
  const UniqueFd anchor = open_directory_path("/proc");
  attach_mount(context.root.get(), anchor.get(), "", "the new root");
  MountPoints points(context.root.get());
  for (std::size_t i = 0; i < plan.mounts.size(); ++i) {
    std::visit(Attacher{points, context.mounts[i], context.decoys}, plan.mounts[i]);
  }
  context.mounts.clear();
}

void enter_root(const plan::Plan&, ChildContext& context) {
  check_sys(::fchdir(context.root.get()), "entering the new root");
  // The same directory twice: the old root ends up on top of the new one and is detached from
  // there, so that no place for it has to exist (pivot_root(2), "pivot_root(".", ".")").
  check_sys(::syscall(SYS_pivot_root, ".", "."), "making the new root the root");
  check_sys(::umount2(".", MNT_DETACH), "letting go of the host's root");
  check_sys(::chdir("/"), "entering the new root");
  context.root.reset();

  // Verified: what is at / now is our tmpfs, and it can be closed for writing.
  struct stat status {};
  check_sys(::stat("/", &status), "examining the new root");
  if (::access("/proc/self", F_OK) != 0) throw SysError("finding /proc in the new root");
  const UniqueFd root = open_directory_path("/");
  mount_attr attr{};
  attr.attr_set = MOUNT_ATTR_RDONLY;
  check_sys(::syscall(SYS_mount_setattr, root.get(), "", AT_EMPTY_PATH, &attr, sizeof attr),
            "making the new root read-only");
}

}  // namespace sandbox_run::sandbox
