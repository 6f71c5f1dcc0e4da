#pragma once

#include <cstdint>

namespace sandbox_run::policy {

/// What one run may use of this machine: so much that no install comes near it, and so little that
/// the machine stays usable. The attacks: a fork bomb, a memory hog, a full disk, a file system
/// without room for one more file.
struct Limits {
  std::uint64_t processes = 4096;     // alive at once
  std::uint64_t open_files = 262144;  // descriptors, of all processes
  std::uint64_t memory_mb = 0;  // in memory, of all processes; 0: three quarters of the machine's
  std::uint64_t free_memory_mb = 0;  // left free on the machine; 0: 3 % of it
  std::uint64_t free_disk_mb = 0;  // left free where changes are kept; 0: 5 % of it, at least 1 GiB
  std::uint64_t free_files = 0;    // files that can still be made there; 0: 5 % of all
  std::uint64_t file_mb = 32768;   // the largest file
  std::uint64_t changes_mb = 65536;         // that the changes of a run take on the disk
  std::uint64_t changed_files = 4'000'000;  // files and directories among them
  std::uint64_t time_s = 0;                 // 0: no limit
  std::uint64_t cpu_weight = 100;  // beside others', where the run has a control group; cgroups(7)
  std::uint64_t io_weight = 100;
  /// Not of the run: what is kept of the old tree afterwards, for `undo`; 0: nothing.
  std::uint64_t undo_mb = 2048;
  friend bool operator==(const Limits&, const Limits&) = default;
};

/// What there is, and how much of it is used: bytes, and files that can be made.
struct Resources {
  std::uint64_t processes = 0;
  std::uint64_t threads = 0;  // of all processes
  std::uint64_t open_files = 0;
  std::uint64_t memory = 0;  // with what is swapped out, if machine_swap tells how much can be
  std::uint64_t machine_memory = 0;
  std::uint64_t machine_swap = 0;
  /// What the kernel could still give, swap and all, whoever has the rest; 0: it can't be told.
  std::uint64_t free_memory = 0;
  std::uint64_t free_memory_before = 0;  // when the run began
  bool is_short_of_memory = false;       // the kernel has ended a process for it
  bool is_short_of_threads = false;      // the kernel has refused one
  std::uint64_t free_disk = 0;
  std::uint64_t disk = 0;              // 0: nothing is kept, or it can't be told
  std::uint64_t free_disk_before = 0;  // when the run began
  std::uint64_t free_files = 0;
  std::uint64_t files = 0;  // 0: that file system counts none
  std::uint64_t free_files_before = 0;
  /// Of the run alone; 0: it is not known, since the disk has hardly less room than before.
  std::uint64_t changes = 0;
  std::uint64_t changed_files = 0;
  std::uint64_t largest_file = 0;
};

enum class Limit {
  none,
  processes,
  threads,
  open_files,
  memory,
  free_memory,
  disk,
  files,
  file,
  changes,
  changed_files,
  time
};

/// A run's threads are its processes', so many each. That many the kernel lets it have, too.
constexpr std::uint64_t threads_bound(const Limits& limits) {
  constexpr std::uint64_t kThreadsEach = 4;
  return limits.processes * kThreadsEach;
}

/// The first limit that is passed. Pure. A disk that was nearly full before may be filled to half
/// of what was free: what the run did not take, it need not leave. So for memory.
Limit passed(const Limits& limits, const Resources& resources);
/// The same bounds for a control group, which holds between two looks.
struct GroupLimits {
  std::uint64_t memory = 0;
  std::uint64_t swap = 0;
  std::uint64_t threads = 0;
  std::uint64_t cpu_weight = 0;
  std::uint64_t io_weight = 0;
};
/// Of `resources` only what the machine has is looked at.
GroupLimits group_limits(const Limits& limits, const Resources& resources);

/// As the event has it: "processes at once".
const char* words_of(Limit limit);
/// Its bound: a number of processes or files, else bytes.
std::uint64_t bound_of(Limit limit, const Limits& limits, const Resources& resources);

}  // namespace sandbox_run::policy
