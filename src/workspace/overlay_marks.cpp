#include "workspace/overlay_marks.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/sys_error.h"
#include "workspace/inspection.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

constexpr std::string_view kPrefix = "user.overlay.";
constexpr const char* kOpaque = "user.overlay.opaque";
constexpr const char* kOrigin = "user.overlay.origin";
constexpr std::string_view kImpure = "user.overlay.impure";
constexpr std::size_t kUsualList = 1024;

/// There is no *xattrat() in the oldest kernels we run on; the link in /proc stands for it. Only
/// the last component is `name`, which the l* calls don't follow.
std::string proc_path(int dir_fd, const std::string& name) {
  return "/proc/self/fd/" + std::to_string(dir_fd) + "/" + name;
}

/// Labels that the kernel itself puts on every file.
bool is_kernel_label(std::string_view name) {
  return name == "security.selinux" || name == "security.ima" || name == "security.evm" ||
         name == "security.apparmor" || name.substr(0, 16) == "security.SMACK64";
}

bool is_foreign(std::string_view name) {
  return (name.substr(0, 9) == "security." && !is_kernel_label(name)) ||
         name.substr(0, 8) == "trusted.";
}

/// Of a directory: is everybody to write what is made in it later, whatever the umask then says?
/// acl(5); in the kernel's form (linux/posix_acl_xattr.h): a version, then entries of 8 bytes.
bool hands_on_to_everybody(int fd, std::string_view name) {
  constexpr const char* kDefault = "system.posix_acl_default";
  if (name != kDefault || (unwanted_mode_bits() & S_IWOTH) == 0) return false;
  std::array<unsigned char, 65536> list;
  const ssize_t size = ::fgetxattr(fd, kDefault, list.data(), list.size());
  if (size < 0) return errno != ENODATA;
  constexpr std::size_t kVersion = 4;
  constexpr std::size_t kEntry = 8;
  constexpr unsigned kOthers = 0x20;
  constexpr unsigned kWrite = 2;
  for (std::size_t at = kVersion; at + kEntry <= static_cast<std::size_t>(size); at += kEntry) {
    if (list[at] == kOthers && (list[at + 2] & kWrite) != 0) return true;  // little-endian
  }
  return false;
}

bool is_mark(std::string_view name) { return name.substr(0, kPrefix.size()) == kPrefix; }

/// `list` is the call for a path or for a descriptor; `visit` takes each attribute's name.
template <typename List, typename Visit>
void for_each_attribute(List&& list, Visit&& visit) {
  std::array<char, 65536> names;  // XATTR_LIST_MAX: no longer list exists
  // The kernel gets itself memory of the size that is asked for, so the usual one first.
  ssize_t size = list(names.data(), kUsualList);
  if (size < 0 && errno == ERANGE) size = list(names.data(), names.size());
  if (size < 0) {
    if (errno != EOPNOTSUPP) throw base::SysError("listing extended attributes");
    return;
  }
  for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
    const std::string_view name = names.data() + at;
    at += name.size() + 1;
    visit(name);
  }
}

template <typename List, typename IsForeign>
Attributes look(List&& list, IsForeign is_foreign) {
  Attributes found;
  for_each_attribute(list, [&](std::string_view name) {
    found.foreign = found.foreign || is_foreign(name);
    found.marks = found.marks || is_mark(name);
    found.impure = found.impure || name == kImpure;
  });
  return found;
}

template <typename List, typename IsForeign, typename Remove>
CleanedAttributes clean(OverlayMarks marks, List&& list, IsForeign is_foreign, Remove&& remove) {
  CleanedAttributes outcome;
  for_each_attribute(list, [&](std::string_view name) {
    if (is_foreign(name)) {
      if (remove(name.data()) == 0) {
        ++outcome.foreign;
      } else {
        outcome.refused = true;
      }
    } else if (marks == OverlayMarks::remove && is_mark(name)) {
      base::check_sys(remove(name.data()), "removing an overlay's attribute");
    }
  });
  return outcome;
}

auto list_of(int fd) {
  return [fd](char* list, std::size_t size) { return ::flistxattr(fd, list, size); };
}

auto foreign_of(int fd) {
  return
      [fd](std::string_view name) { return is_foreign(name) || hands_on_to_everybody(fd, name); };
}

auto list_of(const std::string& path) {
  return [path](char* list, std::size_t size) { return ::llistxattr(path.c_str(), list, size); };
}

}  // namespace

bool is_whiteout(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
}

Marks read_marks(int fd) {
  Marks marks;
  char value = 0;
  marks.opaque = ::fgetxattr(fd, kOpaque, &value, 1) == 1 && value == 'y';
  marks.copied_up = ::fgetxattr(fd, kOrigin, nullptr, 0) >= 0;
  return marks;
}

Attributes look_at_attributes(int fd) { return look(list_of(fd), foreign_of(fd)); }

Attributes look_at_file_attributes(int dir_fd, const std::string& name) {
  return look(list_of(proc_path(dir_fd, name)), is_foreign);
}

std::map<std::string, std::string> user_attributes(int dir_fd, const std::string& name) {
  const std::string path = proc_path(dir_fd, name);
  std::map<std::string, std::string> found;
  for_each_attribute(list_of(path), [&](std::string_view attribute) {
    if (attribute.substr(0, 5) != "user." || is_mark(attribute)) return;
    std::string value(65536, '\0');  // XATTR_SIZE_MAX
    const ssize_t size =
        ::lgetxattr(path.c_str(), std::string(attribute).c_str(), value.data(), value.size());
    value.resize(static_cast<std::size_t>(size < 0 ? 0 : size));
    found[std::string(attribute)] = std::move(value);
  });
  return found;
}

CleanedAttributes clean_attributes(int fd, OverlayMarks marks, OpenLists lists) {
  const auto foreign = [&](std::string_view name) {
    return lists == OpenLists::keep ? is_foreign(name) : foreign_of(fd)(name);
  };
  return clean(marks, list_of(fd), foreign,
               [&](const char* attribute) { return ::fremovexattr(fd, attribute); });
}

CleanedAttributes clean_file_attributes(int dir_fd, const std::string& name) {
  const std::string path = proc_path(dir_fd, name);
  return clean(OverlayMarks::remove, list_of(path), is_foreign, [&](const char* attribute) {
    const int done = ::lremovexattr(path.c_str(), attribute);
    if (done == 0 || errno != EACCES) return done;
    // user.* may be changed only by who may write the file: a copied-up file of mode 0444.
    struct stat status {};
    base::check_sys(::fstatat(dir_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW),
                    "looking at " + name);
    set_entry_mode(dir_fd, name, (status.st_mode & 07777U) | S_IRUSR | S_IWUSR);
    const int again = ::lremovexattr(path.c_str(), attribute);
    set_entry_mode(dir_fd, name, status.st_mode & 07777U);
    return again;
  });
}

void set_opaque(int fd) {
  base::check_sys(::fsetxattr(fd, kOpaque, "y", 1, 0), "marking a directory opaque");
}

bool can_carry_marks(int fd) {
  if (::fsetxattr(fd, "user.overlay.test", "y", 1, 0) != 0) return false;
  return ::fremovexattr(fd, "user.overlay.test") == 0;
}

}  // namespace sandbox_run::workspace
