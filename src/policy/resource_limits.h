#pragma once

#include <cstdint>

namespace sandbox_run::policy {

/// What one run may use of this machine: so much that no install comes near it, and so little that
/// the machine stays usable. The attacks: a fork bomb, a memory hog, a full disk, a file system
/// without room for one more file.
struct Limits {
  std::uint64_t processes = 4096;  // alive at once
  std::uint64_t memory_mb = 0;  // in memory, of all processes; 0: three quarters of the machine's
  std::uint64_t free_disk_mb = 0;  // left free where changes are kept; 0: 5 % of it, at least 1 GiB
  std::uint64_t free_files = 0;    // files that can still be made there; 0: 5 % of all
  friend bool operator==(const Limits&, const Limits&) = default;
};

/// What there is, and how much of it is used: bytes, and files that can be made.
struct Resources {
  std::uint64_t processes = 0;
  std::uint64_t memory = 0;
  std::uint64_t machine_memory = 0;
  std::uint64_t free_disk = 0;
  std::uint64_t disk = 0;              // 0: nothing is kept, or it can't be told
  std::uint64_t free_disk_before = 0;  // when the run began
  std::uint64_t free_files = 0;
  std::uint64_t files = 0;  // 0: that file system counts none
  std::uint64_t free_files_before = 0;
};

enum class Limit { none, processes, memory, disk, files };

/// The first limit that is passed. Pure. A disk that was nearly full before may be filled to half
/// of what was free: what the run did not take, it need not leave.
Limit passed(const Limits& limits, const Resources& resources);
/// As the event has it: "processes at once".
const char* words_of(Limit limit);
/// Its bound: a number of processes or files, else bytes.
std::uint64_t bound_of(Limit limit, const Limits& limits, const Resources& resources);

}  // namespace sandbox_run::policy
