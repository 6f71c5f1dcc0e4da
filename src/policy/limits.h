#pragma once

#include <cstdint>

namespace sandbox_run::policy {

/// What one run may use of this machine: so much that no install comes near it, and so little that
/// the machine stays usable. The attacks: a fork bomb, a memory hog, a full disk.
struct Limits {
  std::uint64_t processes = 4096;  // alive at once
  std::uint64_t memory_mb = 0;  // in memory, of all processes; 0: three quarters of the machine's
  std::uint64_t free_disk_mb = 0;  // left free where changes are kept; 0: 5 % of it, at least 1 GiB
  friend bool operator==(const Limits&, const Limits&) = default;
};

/// What there is, and how much of it is used: bytes.
struct Resources {
  std::uint64_t processes = 0;
  std::uint64_t memory = 0;
  std::uint64_t machine_memory = 0;
  std::uint64_t free_disk = 0;
  std::uint64_t disk = 0;
  std::uint64_t free_disk_before = 0;  // when the run began
};

enum class Limit { none, processes, memory, disk };

/// The first limit that is passed. Pure. A disk that was nearly full before may be filled to half
/// of what was free: what the run did not take, it need not leave.
Limit passed(const Limits& limits, const Resources& resources);
/// Its bound: a number of processes, else bytes.
std::uint64_t bound_of(Limit limit, const Limits& limits, const Resources& resources);

}  // namespace sandbox_run::policy
