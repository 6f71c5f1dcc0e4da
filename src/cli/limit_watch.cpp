#include "cli/limit_watch.h"

#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "cli/layer_size.h"
#include "cli/machine_memory.h"

namespace sandbox_run::cli {

namespace {

constexpr std::uint64_t kMebibyte = 1U << 20;

std::uint64_t lost(std::uint64_t before, std::uint64_t now) {
  return before > now ? before - now : 0;
}

}  // namespace

LimitWatch::LimitWatch(const policy::Limits& limits, std::vector<int> parents,
                       std::vector<std::string> layers, const std::vector<base::UniqueFd>& places,
                       const sandbox::ControlGroup* group)
    : limits_(limits),
      parents_(std::move(parents)),
      layers_(std::move(layers)),
      worth_measuring_(limits.changes_mb * kMebibyte),
      worth_counting_(limits.changed_files),
      places_(places),
      group_(group) {
  const MachineMemory memory = machine_memory();
  resources_.machine_memory = memory.bytes;
  // Of who is swapped out the processes' own numbers say nothing.
  if (group_ != nullptr && group_->counts_memory()) resources_.machine_swap = memory.swap;
  peaks_.of_control_group = group_ != nullptr;
  read_disk();
  resources_.free_memory_before = free_memory();
  resources_.free_disk_before = resources_.free_disk;
  resources_.free_files_before = resources_.free_files;
}

void LimitWatch::read_disk() {
  struct statvfs disk {};
  if (layers_.empty() || ::statvfs(layers_.front().c_str(), &disk) != 0) return;
  resources_.disk = std::uint64_t{disk.f_blocks} * disk.f_frsize;
  resources_.free_disk = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  resources_.files = disk.f_files;
  resources_.free_files = disk.f_favail;
}

/// To look at the layers takes a second for a million files. So not before the disk has lost as
/// much as they may hold; and if it was others who took it, not before the rest may be filled, too.
void LimitWatch::read_changes() {
  const std::uint64_t bytes = lost(resources_.free_disk_before, resources_.free_disk);
  const std::uint64_t files = lost(resources_.free_files_before, resources_.free_files);
  peaks_.disk = std::max(peaks_.disk, bytes);
  peaks_.files = std::max(peaks_.files, files);
  if (bytes <= worth_measuring_ && files <= worth_counting_) return;
  const LayerSize size = measure_layers(layers_);
  resources_.changes = size.complete ? size.bytes : std::max(size.bytes, bytes);
  resources_.changed_files = size.complete ? size.files : std::max(size.files, files);
  worth_measuring_ = bytes + lost(limits_.changes_mb * kMebibyte, resources_.changes);
  worth_counting_ = files + lost(limits_.changed_files, resources_.changed_files);
}

/// Each descriptor is looked at once the disk has lost as much as a file may have.
void LimitWatch::read_largest_file() {
  const std::uint64_t bound = limits_.file_mb * kMebibyte;
  if (lost(resources_.free_disk_before, resources_.free_disk) < bound) return;
  const watch::OpenFile file = watch::largest_open_file(parents_, 2 * limits_.processes);
  resources_.largest_file = file.size;
  writer_ = file.process;
}

/// The attack: a script fills /tmp, each byte and each file of which is memory that is no
/// process's.
std::uint64_t LimitWatch::memory_of_places() const {
  constexpr std::uint64_t kOfFile = 1024;  // its inode and its name
  std::uint64_t memory = 0;
  for (const base::UniqueFd& place : places_) {
    struct statfs filled {};
    // What else has been mounted over it lies on a disk.
    if (::fstatfs(place.get(), &filled) != 0 || filled.f_type != TMPFS_MAGIC) continue;
    memory += (filled.f_blocks - filled.f_bfree) * static_cast<std::uint64_t>(filled.f_bsize);
    memory += (filled.f_files - filled.f_ffree) * kOfFile;
  }
  return memory;
}

void LimitWatch::read_processes() {
  usage_ = watch::usage_below(parents_, 2 * limits_.processes);
  resources_.processes = usage_.processes;
  resources_.open_files = usage_.open_files;
  resources_.free_memory = free_memory();
  if (group_ == nullptr || !group_->counts_memory()) {
    resources_.memory = usage_.memory + memory_of_places();
  }
  if (group_ == nullptr || !group_->counts_threads()) resources_.threads = usage_.threads;
}

void LimitWatch::read_group() {
  if (group_ == nullptr) return;
  const sandbox::ControlGroupUsage usage = group_->usage();
  if (group_->counts_memory()) {
    resources_.memory = usage.memory;
    resources_.is_short_of_memory = usage.has_run_out_of_memory;
  }
  if (group_->counts_threads()) {
    resources_.threads = usage.threads;
    resources_.is_short_of_threads = usage.has_run_out_of_threads;
    peaks_.threads = std::max(peaks_.threads, usage.most_threads);
  }
}

std::optional<LimitWatch::Passed> LimitWatch::look() {
  read_processes();
  read_group();
  read_disk();
  read_changes();
  read_largest_file();
  peaks_.processes = std::max(peaks_.processes, resources_.processes);
  peaks_.threads = std::max(peaks_.threads, resources_.threads);
  peaks_.memory = std::max(peaks_.memory, resources_.memory);
  peaks_.open_files = std::max(peaks_.open_files, resources_.open_files);
  const policy::Limit limit = policy::passed(limits_, resources_);
  if (limit == policy::Limit::none) return std::nullopt;
  return passed(limit);
}

std::optional<LimitWatch::Passed> LimitWatch::last_look() {
  read_group();
  policy::Resources of_group;
  of_group.is_short_of_memory = resources_.is_short_of_memory;
  of_group.is_short_of_threads = resources_.is_short_of_threads;
  of_group.machine_memory = resources_.machine_memory;
  const policy::Limit limit = policy::passed(limits_, of_group);
  if (limit == policy::Limit::none) return std::nullopt;
  Passed last = passed(limit);
  last.process = 0;
  return last;
}

LimitWatch::Passed LimitWatch::passed(policy::Limit limit) const {
  const std::uint64_t bound = policy::bound_of(limit, limits_, resources_);
  switch (limit) {
    case policy::Limit::none:
      break;
    case policy::Limit::processes:
      return {limit, bound, resources_.processes, usage_.newest};
    case policy::Limit::threads:
      return {limit, bound, resources_.threads, usage_.busiest};
    case policy::Limit::open_files:
      return {limit, bound, resources_.open_files, usage_.opener};
    case policy::Limit::free_memory:
      return {limit, bound, resources_.free_memory, usage_.largest};
    case policy::Limit::memory:
      return {limit, bound, std::max(resources_.memory, peaks_.memory), usage_.largest};
    case policy::Limit::disk:
      return {limit, bound, resources_.free_disk, writer()};
    case policy::Limit::files:
      return {limit, bound, resources_.free_files, writer()};
    case policy::Limit::file:
      return {limit, bound, std::max(resources_.largest_file, bound), writer_};
    case policy::Limit::changes:
      return {limit, bound, resources_.changes, writer()};
    case policy::Limit::changed_files:
      return {limit, bound, resources_.changed_files, writer()};
    case policy::Limit::time:
      return {limit, bound, bound, usage_.newest};
  }
  return {};
}

/// Who has written nothing yet that the kernel counts has made files: the newest may be it.
int LimitWatch::writer() const {
  const int busiest = watch::busiest_writer(parents_, 2 * limits_.processes);
  return busiest != 0 ? busiest : usage_.newest;
}

base::json::object to_json(const LimitWatch::Peaks& peaks) {
  return {{"processes", peaks.processes},
          {"threads", peaks.threads},
          {"memory", peaks.memory},
          {"open_files", peaks.open_files},
          {"disk", peaks.disk},
          {"files", peaks.files},
          {"control_group", peaks.of_control_group}};
}

}  // namespace sandbox_run::cli
