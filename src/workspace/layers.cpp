// Layers before the run: directories, and a record of the moment before the sandbox began.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/copy_tree.h"
#include "workspace/layer_record.h"
#include "workspace/open_runs.h"
#include "workspace/overlay_marks.h"
#include "workspace/placement.h"
#include "workspace/record.h"
#include "workspace/seal.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;
using base::UniqueFd;

constexpr const char* kLayersFile = "layers.list";
constexpr std::string_view kLayersKind = "sandbox-run layers 3";
constexpr const char* kTouchedFile = "touched";
constexpr std::string_view kTouchedKind = "sandbox-run touched 1";

/// The first moment that counts as "during the run", in the clock of file times. That clock is
/// coarse (up to 10 ms): without care, a file saved just before the run would look changed in it.
/// Kernels with fine-grained times (6.13) give a file whose times were looked at a time later than
/// all given before, so "this or later" is exact; else everything of this tick counts as before.
std::int64_t mark_moment(int run_fd) {
  constexpr const char* kStamp = "stamp";
  const std::string doing = "noting the time";
  const UniqueFd stamp(check_sys(
      ::openat(run_fd, kStamp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600),
      doing));
  struct stat first {};
  struct stat second {};
  check_sys(::fstat(stamp.get(), &first), doing);
  check_sys(::fchmod(stamp.get(), 0400), doing);
  check_sys(::fstat(stamp.get(), &second), doing);
  check_sys(::unlinkat(run_fd, kStamp, 0), doing);
  const std::int64_t before = to_nanoseconds(first.st_ctim);
  const std::int64_t after = to_nanoseconds(second.st_ctim);
  return after > before ? after : before + 1;
}

Owners owners_of(const Target& target) {
  return target.has_foreign_owners ? Owners::ours : Owners::kept;
}

/// An overlay's root has the attributes of its upper directory: they must be the target's.
void dress_as_target(const std::string& upper, int target_fd, Owners owners) {
  struct stat status {};
  check_sys(::fstat(target_fd, &status), "looking at a target");
  if (::geteuid() == 0) {
    if (owners == Owners::kept)
      check_sys(::chown(upper.c_str(), status.st_uid, status.st_gid), "making a layer");
  } else {
    // Not a member of that group: the layer keeps ours.
    [[maybe_unused]] const int changed =
        ::chown(upper.c_str(), static_cast<uid_t>(-1), status.st_gid);
  }
  for (const char* name : {"system.posix_acl_access", "system.posix_acl_default"}) {
    std::array<char, 4096> value;
    const ssize_t size = ::fgetxattr(target_fd, name, value.data(), value.size());
    // An access list is a convenience; without it the mode alone rules.
    if (size > 0) {
      (void)::setxattr(upper.c_str(), name, value.data(), static_cast<std::size_t>(size), 0);
    }
  }
  check_sys(::chmod(upper.c_str(), status.st_mode & 07777U), "making a layer");
}

/// Puts an empty, opaque directory of that name in the layer. False where the host's could not be
/// exchanged for another one afterwards: a link, another owner's, another file system.
bool hide(const std::string& upper, int target_fd, const std::string& name) {
  const UniqueFd host(
      ::openat(target_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct statx status {};
  struct statx around {};
  if (!host || ::statx(host.get(), "", AT_EMPTY_PATH, STATX_UID | STATX_MNT_ID, &status) != 0 ||
      ::statx(target_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &around) != 0) {
    return false;
  }
  const bool may_be_removed = status.stx_uid == ::geteuid() || ::geteuid() == 0;
  if (!may_be_removed || status.stx_mnt_id != around.stx_mnt_id) return false;
  const std::string path = base::join_path(upper, name);
  check_sys(::mkdir(path.c_str(), 0700), "hiding " + name);
  const UniqueFd hidden(check_sys(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "hiding " + name));
  set_opaque(hidden.get());
  dress_as_target(path, host.get(), Owners::ours);  // as if the command had made it
  return true;
}

/// But for what is hidden from the command anyway.
void copy_entries(int target_fd, const Target& target, const std::string& lower) {
  const UniqueFd copy = open_real_directory(lower);
  std::vector<char> buffer;
  const UniqueFd entries = base::UniqueFd(
      check_sys(::openat(target_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "copying a target"));
  for_each_entry(entries.get(), buffer, [&](const char* name, unsigned char) {
    const bool hidden =
        std::find(target.hidden.begin(), target.hidden.end(), name) != target.hidden.end();
    if (hidden) {
      check_sys(::mkdirat(copy.get(), name, 0700), "copying a target");
    } else {
      copy_entry(entries.get(), name, copy.get(), name, Access::as_it_is, owners_of(target));
    }
  });
}

void make_own_lower(int target_fd, const Target& target, const std::string& lower) {
  check_sys(::mkdir(lower.c_str(), 0700), "making " + lower);
  if (target.kind != policy::TargetKind::cache) copy_entries(target_fd, target, lower);
  dress_as_target(lower, target_fd, owners_of(target));
}

LayerRecord make_layer(const std::string& directory, const Target& target) {
  LayerRecord record;
  record.directory.target = target;
  record.directory.upper = directory + "/upper";
  record.directory.work = directory + "/work";
  base::make_directories(directory, 0700);
  check_sys(::mkdir(record.directory.upper.c_str(), 0777), "making " + record.directory.upper);
  check_sys(::mkdir(record.directory.work.c_str(), 0700), "making " + record.directory.work);
  if (target.lower_is_empty) return record;
  const UniqueFd target_fd = open_real_directory(target.path);
  record.directory.lower = target.path;
  if (target.lower_is_copied) {
    record.directory.lower = directory + "/lower";
    make_own_lower(target_fd.get(), target, record.directory.lower);
  }
  dress_as_target(record.directory.upper, target_fd.get(), owners_of(target));
  struct stat status {};
  check_sys(::fstat(target_fd.get(), &status), "looking at " + target.path);
  record.target_inode = status.st_ino;
  std::erase_if(record.directory.target.hidden, [&](const std::string& name) {
    return !hide(record.directory.upper, target_fd.get(), name);
  });
  return record;
}

std::string project_of(const std::vector<Target>& targets) {
  for (const Target& target : targets) {
    if (target.kind == policy::TargetKind::project) return target.path;
  }
  return "";
}

}  // namespace

std::int64_t to_nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

std::string run_name(const std::string& run_directory) { return base::file_name(run_directory); }

RunDirectory open_run(const std::string& run_directory) {
  const std::optional<std::string> path = base::real_path(run_directory);
  if (!path) throw base::SysError("opening " + run_directory);
  return {*path, open_real_directory(*path)};
}

std::vector<LayerDirectory> make_layers(const std::string& run_directory,
                                        const std::vector<Target>& targets) {
  base::make_directories(run_directory, 0700);
  const RunDirectory run = open_run(run_directory);
  const std::string place = place_for_layers(run.path, run.fd.get());
  // Before the first copy of what may change meanwhile.
  const std::int64_t moment = mark_moment(run.fd.get());
  std::vector<LayerRecord> records;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    records.push_back(make_layer(place + "/" + std::to_string(i), targets[i]));
  }
  RecordWriter writer(kLayersKind);
  writer.number(records.size());
  std::vector<LayerDirectory> layers;
  for (const LayerRecord& record : records) {
    const LayerDirectory& layer = record.directory;
    writer.text(layer.target.path);
    writer.number(static_cast<std::uint64_t>(layer.target.kind));
    writer.number(layer.target.lower_is_empty ? 1 : 0);
    writer.number(layer.target.hidden.size());
    for (const std::string& name : layer.target.hidden) writer.text(name);
    writer.text(layer.upper);
    writer.text(layer.work);
    writer.number(record.target_inode);
    writer.number(static_cast<std::uint64_t>(moment));
    layers.push_back(layer);
  }
  const std::string bytes = writer.finish();
  // First: a record without a seal would be taken for a forged one.
  seal_run(run.fd.get(), bytes, project_of(targets));
  // Not synced: after a power loss the layer itself would be as incomplete.
  // Whole or not at all, for a run of another project that looks at it meanwhile.
  base::write_file_atomically(run.path + "/" + kLayersFile, bytes, 0600);
  note_open(run.fd.get());  // then: who looks meanwhile knows what it is about
  return layers;
}

bool has_layers(int run_fd) {
  struct stat status {};
  return stat_entry(run_fd, kLayersFile, status);
}

void sync_layers(int run_fd) {
  const std::string doing = "writing the list of layers to the disk";
  const UniqueFd list(
      check_sys(::openat(run_fd, kLayersFile, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), doing));
  check_sys(::fsync(list.get()), doing);
  sync_seal(run_fd);
  sync_open_runs(run_fd);
}

std::vector<LayerRecord> load_layers(int run_fd) {
  std::string bytes = read_if_present(run_fd, kLayersFile);
  if (!is_sealed(run_fd, bytes)) throw UnreadableRecord();
  RecordReader reader(std::move(bytes), kLayersKind);
  const Touched touched = load_touched(run_fd);
  std::vector<LayerRecord> records;
  for (std::uint64_t count = reader.number(); count > 0; --count) {
    LayerRecord record;
    record.directory.target.path = reader.text();
    record.directory.target.kind = reader.one_of(policy::TargetKind::global_programs);
    record.directory.target.lower_is_empty = reader.number() != 0;
    for (std::uint64_t names = reader.number(); names > 0; --names) {
      record.directory.target.hidden.push_back(reader.text());
    }
    record.directory.upper = reader.text();
    record.directory.work = reader.text();
    record.target_inode = reader.number();
    record.changed_since = static_cast<std::int64_t>(reader.number());
    record.touched = touched;
    records.push_back(std::move(record));
  }
  return records;
}

Touched load_touched(int run_fd) {
  Touched touched;
  const std::string bytes = read_if_present(run_fd, kTouchedFile);
  if (bytes.empty()) return touched;
  RecordReader reader(bytes, kTouchedKind);
  while (!reader.at_end()) {
    const std::uint64_t inode = reader.number();
    touched[inode] = static_cast<std::int64_t>(reader.number());
  }
  return touched;
}

void add_touched(int run_fd, const Touched& touched) {
  if (touched.empty()) return;
  Touched all = load_touched(run_fd);
  for (const auto& [inode, ctime] : touched) all[inode] = ctime;
  RecordWriter writer(kTouchedKind);
  for (const auto& [inode, ctime] : all) {
    writer.number(inode);
    writer.number(static_cast<std::uint64_t>(ctime));
  }
  write_durably(run_fd, kTouchedFile, writer.finish());
}

bool copies_any(const std::vector<Target>& targets) {
  return std::any_of(targets.begin(), targets.end(), [](const Target& target) {
    return target.lower_is_copied && target.kind != policy::TargetKind::cache;
  });
}

}  // namespace sandbox_run::workspace
