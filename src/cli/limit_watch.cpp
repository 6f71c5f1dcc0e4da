#include "cli/limit_watch.h"

#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "cli/machine_memory.h"

namespace sandbox_run::cli {

LimitWatch::LimitWatch(const policy::Limits& limits, std::vector<int> parents, std::string layers,
                       const std::vector<base::UniqueFd>& places,
                       const sandbox::ControlGroup* group)
    : limits_(limits),
      parents_(std::move(parents)),
      layers_(std::move(layers)),
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
  if (layers_.empty() || ::statvfs(layers_.c_str(), &disk) != 0) return;
  resources_.disk = std::uint64_t{disk.f_blocks} * disk.f_frsize;
  resources_.free_disk = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  resources_.files = disk.f_files;
  resources_.free_files = disk.f_favail;
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
      return {limit, bound, resources_.free_disk, usage_.largest};
    case policy::Limit::files:
      return {limit, bound, resources_.free_files, usage_.newest};
  }
  return {};
}

base::json::object to_json(const LimitWatch::Peaks& peaks) {
  return {{"processes", peaks.processes},
          {"threads", peaks.threads},
          {"memory", peaks.memory},
          {"open_files", peaks.open_files},
          {"control_group", peaks.of_control_group}};
}

}  // namespace sandbox_run::cli
