#include "policy/resource_limits.h"

#include <algorithm>

namespace sandbox_run::policy {
namespace {

constexpr std::uint64_t kMebi = 1U << 20;
constexpr std::uint64_t kLeastReserve = 1024 * kMebi;
constexpr std::uint64_t kReservedShare = 20;  // one in so many

std::uint64_t memory_bound(const Limits& limits, const Resources& resources) {
  if (limits.memory_mb > 0) return limits.memory_mb * kMebi;
  return (resources.machine_memory + resources.machine_swap) / 4 * 3;
}

std::uint64_t free_memory_bound(const Limits& limits, const Resources& resources) {
  constexpr std::uint64_t kShareOfMemory = 32;
  if (limits.free_memory_mb > 0) return limits.free_memory_mb * kMebi;
  return std::min(resources.machine_memory / kShareOfMemory, resources.free_memory_before / 2);
}

std::uint64_t disk_bound(const Limits& limits, const Resources& resources) {
  if (limits.free_disk_mb > 0) return limits.free_disk_mb * kMebi;
  const std::uint64_t wanted = std::max(kLeastReserve, resources.disk / kReservedShare);
  return std::min(wanted, resources.free_disk_before / 2);
}

std::uint64_t files_bound(const Limits& limits, const Resources& resources) {
  if (limits.free_files > 0) return limits.free_files;
  return std::min(resources.files / kReservedShare, resources.free_files_before / 2);
}

}  // namespace

Limit passed(const Limits& limits, const Resources& resources) {
  if (resources.processes > limits.processes) return Limit::processes;
  if (resources.is_short_of_threads || resources.threads > threads_bound(limits)) {
    return Limit::threads;
  }
  if (resources.open_files > limits.open_files) return Limit::open_files;
  if (resources.is_short_of_memory || resources.memory > memory_bound(limits, resources)) {
    return Limit::memory;
  }
  if (resources.free_memory > 0 && resources.free_memory < free_memory_bound(limits, resources)) {
    return Limit::free_memory;
  }
  if (resources.disk > 0 && resources.free_disk < disk_bound(limits, resources)) {
    return Limit::disk;
  }
  if (resources.files > 0 && resources.free_files < files_bound(limits, resources)) {
    return Limit::files;
  }
  // The kernel lets no file become larger.
  if (resources.largest_file >= limits.file_mb * kMebi) return Limit::file;
  if (resources.changes > limits.changes_mb * kMebi) return Limit::changes;
  if (resources.changed_files > limits.changed_files) return Limit::changed_files;
  return Limit::none;
}

GroupLimits group_limits(const Limits& limits, const Resources& resources) {
  constexpr std::uint64_t kOfOurs = 2;  // init, and the sandboxee's parent
  Resources without_swap = resources;
  without_swap.machine_swap = 0;
  GroupLimits group;
  group.memory = memory_bound(limits, without_swap);
  group.swap = std::min(resources.machine_swap / 4 * 3, memory_bound(limits, resources));
  group.threads = threads_bound(limits) + kOfOurs;
  group.cpu_weight = limits.cpu_weight;
  group.io_weight = limits.io_weight;
  return group;
}

const char* words_of(Limit limit) {
  switch (limit) {
    case Limit::processes:
      return "processes at once";
    case Limit::threads:
      return "threads at once";
    case Limit::open_files:
      return "open files";
    case Limit::memory:
      return "bytes of memory";
    case Limit::free_memory:
      return "bytes of memory left free";
    case Limit::disk:
      return "bytes of disk left free";
    case Limit::files:
      return "files that can still be made";
    case Limit::file:
      return "bytes of one file";
    case Limit::changes:
      return "bytes of changes";
    case Limit::changed_files:
      return "files changed";
    case Limit::time:
      return "seconds";
    case Limit::none:
      break;
  }
  return "";
}

std::uint64_t bound_of(Limit limit, const Limits& limits, const Resources& resources) {
  switch (limit) {
    case Limit::processes:
      return limits.processes;
    case Limit::threads:
      return threads_bound(limits);
    case Limit::open_files:
      return limits.open_files;
    case Limit::memory:
      return memory_bound(limits, resources);
    case Limit::free_memory:
      return free_memory_bound(limits, resources);
    case Limit::disk:
      return disk_bound(limits, resources);
    case Limit::files:
      return files_bound(limits, resources);
    case Limit::file:
      return limits.file_mb * kMebi;
    case Limit::changes:
      return limits.changes_mb * kMebi;
    case Limit::changed_files:
      return limits.changed_files;
    case Limit::time:
      return limits.time_s;
    case Limit::none:
      break;
  }
  return 0;
}

}  // namespace sandbox_run::policy
