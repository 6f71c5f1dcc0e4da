#include "watch/process_usage.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "base/text.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxUsageThreads = 256;
constexpr std::size_t kMaxUsageFile = 4096;

std::uint64_t number(std::string_view word) {
  std::uint64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

struct Process {
  std::uint64_t memory = 0;
  std::uint64_t shared = 0;  // mapped, of no file on a disk
  std::uint64_t threads = 0;
  std::uint64_t open_files = 0;  // 0 before Linux 6.2
};

/// Of lines "Key:\t  number kB".
std::uint64_t field(std::string_view status, std::string_view key) {
  const std::size_t at = status.find(key);
  if (at == std::string_view::npos) return 0;
  std::string_view rest = status.substr(at + key.size());
  rest.remove_prefix(std::min(rest.size(), rest.find_first_of("0123456789\n")));
  return number(rest);
}

Process look_at(int pid) {
  constexpr std::uint64_t kKibi = 1024;
  const std::string status = read_process_file(pid, "status", kMaxUsageFile);
  struct stat descriptors {};  // its size is their number: the kernel's proc.rst
  const bool told = ::stat(base::format("/proc/{}/fd", pid).c_str(), &descriptors) == 0;
  return {field(status, "\nRssAnon:") * kKibi, field(status, "\nRssShmem:") * kKibi,
          field(status, "\nThreads:"), told ? static_cast<std::uint64_t>(descriptors.st_size) : 0};
}

void add_children(int pid, std::size_t max, std::vector<int>& found) {
  for (const int thread : numbers_in(base::format("/proc/{}/task", pid), kMaxUsageThreads)) {
    if (found.size() >= max) return;
    for (const std::string& word :
         base::split(read_process_file(pid, base::format("task/{}/children", thread),
                                       max * (sizeof("4194304") + 1)),
                     ' ')) {
      if (!word.empty() && found.size() < max) found.push_back(static_cast<int>(number(word)));
    }
  }
}

std::vector<int> all_below(const std::vector<int>& parents, std::size_t max) {
  std::vector<int> processes;
  for (const int parent : parents) add_children(parent, max, processes);
  for (std::size_t i = 0; i < processes.size(); ++i) add_children(processes[i], max, processes);
  return processes;
}

}  // namespace

OpenFile largest_open_file(const std::vector<int>& parents, std::size_t max) {
  constexpr std::size_t kMaxDescriptors = 65536;
  OpenFile largest;
  for (const int pid : all_below(parents, max)) {
    for (const int fd : numbers_in(base::format("/proc/{}/fd", pid), kMaxDescriptors)) {
      struct stat status {};
      if (::stat(base::format("/proc/{}/fd/{}", pid, fd).c_str(), &status) != 0) continue;
      const auto size = static_cast<std::uint64_t>(status.st_size);
      if (S_ISREG(status.st_mode) && size > largest.size) largest = {size, pid};
    }
  }
  return largest;
}

int busiest_writer(const std::vector<int>& parents, std::size_t max) {
  int busiest = 0;
  std::uint64_t most = 0;
  for (const int pid : all_below(parents, max)) {
    const std::uint64_t written =
        field(read_process_file(pid, "io", kMaxUsageFile), "\nwrite_bytes:");
    if (written <= most) continue;
    most = written;
    busiest = pid;
  }
  return busiest;
}

ProcessUsage usage_below(const std::vector<int>& parents, std::size_t max) {
  ProcessUsage usage;
  std::uint64_t most = 0;
  std::uint64_t most_threads = 0;
  std::uint64_t most_open = 0;
  std::uint64_t most_shared = 0;  // several may share the same: their sum would be too much
  for (const int pid : all_below(parents, max)) {
    ++usage.processes;
    const Process process = look_at(pid);
    usage.memory += process.memory;
    usage.threads += process.threads;
    usage.open_files += process.open_files;
    most_shared = std::max(most_shared, process.shared);
    if (process.memory + process.shared >= most) {
      most = process.memory + process.shared;
      usage.largest = pid;
    }
    if (process.threads > most_threads) {
      most_threads = process.threads;
      usage.busiest = pid;
    }
    if (process.open_files > most_open) {
      most_open = process.open_files;
      usage.opener = pid;
    }
    usage.newest = std::max(usage.newest, pid);
  }
  usage.memory += most_shared;
  return usage;
}

}  // namespace sandbox_run::watch
