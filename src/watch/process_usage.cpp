#include "watch/process_usage.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/text.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxThreads = 256;
constexpr std::size_t kMaxNumbers = 256;

std::uint64_t number(const std::string& word) {
  std::uint64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

/// Resident without what is shared: the third and the second field of statm.
std::uint64_t memory_of(int pid) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto fields = base::split(read_process_file(pid, "statm", kMaxNumbers), ' ');
  if (fields.size() < 3) return 0;
  const std::uint64_t resident = number(fields[1]);
  return (resident - std::min(resident, number(fields[2]))) * page;
}

void add_children(int pid, std::size_t max, std::vector<int>& found) {
  for (const int thread : numbers_in(base::format("/proc/{}/task", pid), kMaxThreads)) {
    if (found.size() >= max) return;
    for (const std::string& word :
         base::split(read_process_file(pid, base::format("task/{}/children", thread),
                                       max * (sizeof("4194304") + 1)),
                     ' ')) {
      if (!word.empty() && found.size() < max) found.push_back(static_cast<int>(number(word)));
    }
  }
}

}  // namespace

ProcessUsage usage_below(const std::vector<int>& parents, std::size_t max) {
  ProcessUsage usage;
  std::vector<int> processes;
  for (const int parent : parents) add_children(parent, max, processes);
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < processes.size(); ++i) {
    const int pid = processes[i];
    const std::uint64_t memory = memory_of(pid);
    usage.memory += memory;
    if (memory >= most) {
      most = memory;
      usage.largest = pid;
    }
    usage.newest = std::max(usage.newest, pid);
    add_children(pid, max, processes);
  }
  usage.processes = processes.size();
  return usage;
}

}  // namespace sandbox_run::watch
