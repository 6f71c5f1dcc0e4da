#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sandbox_run::watch {

/// What the processes of a sandbox use, as /proc tells (proc(5)).
struct ProcessUsage {
  std::uint64_t processes = 0;
  std::uint64_t threads = 0;
  std::uint64_t open_files = 0;  // 0 before Linux 6.2
  std::uint64_t memory = 0;  // bytes in memory: theirs alone, and what one of them shares at most
  int largest = 0;           // the process that has most of it
  int newest = 0;            // by its number
  int busiest = 0;           // has most threads
  int opener = 0;            // has most open files
};

/// All that descend from `parents`, themselves not included; `max` of them at most. Children of any
/// thread count. Processes come and go meanwhile: it is a number of about now.
ProcessUsage usage_below(const std::vector<int>& parents, std::size_t max);

struct OpenFile {
  std::uint64_t size = 0;  // 0: none is open
  int process = 0;
};

/// The largest regular file that one of them has open. Looks at every descriptor.
OpenFile largest_open_file(const std::vector<int>& parents, std::size_t max);

/// Who of them has written most to disks, children that have ended included; 0: nobody.
int busiest_writer(const std::vector<int>& parents, std::size_t max);

}  // namespace sandbox_run::watch
