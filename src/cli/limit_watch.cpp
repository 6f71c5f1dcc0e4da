#include "cli/limit_watch.h"

#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include <utility>

#include "watch/process_usage.h"

namespace sandbox_run::cli {

LimitWatch::LimitWatch(const policy::Limits& limits, std::vector<int> parents, std::string layers)
    : limits_(limits), parents_(std::move(parents)), layers_(std::move(layers)) {
  struct sysinfo machine {};
  if (::sysinfo(&machine) == 0) {
    resources_.machine_memory = std::uint64_t{machine.totalram} * machine.mem_unit;
  }
  read_disk();
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

std::optional<LimitWatch::Passed> LimitWatch::look() {
  const watch::ProcessUsage usage = watch::usage_below(parents_, 2 * limits_.processes);
  resources_.processes = usage.processes;
  resources_.memory = usage.memory;
  read_disk();
  const policy::Limit limit = policy::passed(limits_, resources_);
  const std::uint64_t bound = policy::bound_of(limit, limits_, resources_);
  switch (limit) {
    case policy::Limit::none:
      break;
    case policy::Limit::processes:
      return Passed{limit, bound, usage.processes, usage.newest};
    case policy::Limit::memory:
      return Passed{limit, bound, usage.memory, usage.largest};
    case policy::Limit::disk:
      return Passed{limit, bound, resources_.free_disk, usage.largest};
    case policy::Limit::files:
      return Passed{limit, bound, resources_.free_files, usage.newest};
  }
  return std::nullopt;
}

}  // namespace sandbox_run::cli
