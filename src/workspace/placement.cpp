#include "workspace/placement.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "workspace/overlay_marks.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;
using base::UniqueFd;

constexpr const char* kElsewhere[] = {"/var/tmp", "/tmp", "/dev/shm"};
constexpr std::string_view kName = "sandbox-run-layers-";

/// File systems that overlayfs does not take as an upper layer, or that answer for another machine;
/// nullptr: none of these.
const char* unfit_type(int fd) {
  constexpr std::uint32_t kFuse = 0x65735546;
  constexpr std::uint32_t kCifs = 0xFF534D42;
  constexpr std::uint32_t k9p = 0x01021997;
  struct statfs status {};
  check_sys(::fstatfs(fd, &status), "looking at the state directory's file system");
  switch (static_cast<std::uint32_t>(status.f_type)) {
    case OVERLAYFS_SUPER_MAGIC:
      return "overlay";
    case NFS_SUPER_MAGIC:
      return "NFS";
    case kFuse:
      return "FUSE";
    case kCifs:
    case SMB2_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
      return "SMB";
    case k9p:
      return "9p";
    case MSDOS_SUPER_MAGIC:
      return "FAT";
    default:
      return nullptr;
  }
}

/// `fd` is of a directory of our own.
const char* unfit_file_system(int fd) {
  const char* type = unfit_type(fd);
  if (type != nullptr || can_carry_marks(fd)) return type;
  return "one without user extended attributes";
}

UniqueFd open_existing(std::string path) {
  while (!base::is_directory(path)) path = base::parent_path(path);
  return UniqueFd(
      check_sys(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "opening " + path));
}

}  // namespace

CommitWay commit_way(const std::string& state_directory, const std::string& target) {
  const UniqueFd state = open_existing(state_directory);
  const UniqueFd place = open_existing(target);
  struct statx from {};
  struct statx to {};
  check_sys(::statx(state.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &from), "looking at a layer");
  check_sys(::statx(place.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &to), "looking at a target");
  // A rename between two mounts is refused, even of one file system.
  const bool is_same = from.stx_mnt_id == to.stx_mnt_id && from.stx_dev_major == to.stx_dev_major &&
                       from.stx_dev_minor == to.stx_dev_minor;
  return is_same && unfit_type(state.get()) == nullptr ? CommitWay::rename : CommitWay::copy;
}

std::string place_for_layers(const std::string& run_directory, int run_fd) {
  const char* unfit = unfit_file_system(run_fd);
  if (unfit == nullptr) return run_directory + "/layers";
  for (const char* parent : kElsewhere) {
    std::string place = std::string(parent) + "/" + std::string(kName) + "XXXXXX";
    if (::mkdtemp(place.data()) == nullptr) continue;
    const UniqueFd directory(::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory && unfit_file_system(directory.get()) == nullptr) return place;
    (void)::rmdir(place.c_str());
  }
  throw base::UserError("changes can't be kept in " + base::printable(run_directory) +
                        ": its file system is " + unfit +
                        ", which no overlay can write to, nor to those of /var/tmp, /tmp and "
                        "/dev/shm; set XDG_STATE_HOME to a directory on a "
                        "local file system (ext4, xfs, btrfs, tmpfs)");
}

void remove_place(const std::string& place) {
  if (base::file_name(place).starts_with(kName)) (void)::rmdir(place.c_str());
}

}  // namespace sandbox_run::workspace
