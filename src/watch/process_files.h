#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sandbox_run::watch {

// What /proc tells of a process; see proc(5). A process may be gone at any moment: then nullopt or
// "".

/// A pid is used again after its process has died; together with the start time it is one process.
struct ProcessId {
  int pid = 0;
  std::uint64_t start = 0;  // clock ticks since boot
  friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

struct ProcessStatus {
  ProcessId id;
  /// A zombie, which its parent has not asked for yet, or about to be one: it does nothing more,
  /// and its memory, with arguments and environment, may be gone.
  bool ended = false;
  int parent = 0;
  int group = 0;
  int session = 0;
};

/// Pure. The name in parentheses may itself hold spaces, newlines and parentheses.
std::optional<ProcessStatus> parse_process_stat(int pid, std::string_view text);

std::optional<ProcessStatus> read_process_status(int pid);
/// The most memory that it has had, in KiB: its resident set, since its last exec.
std::optional<std::int64_t> peak_memory_of(int pid);
/// The children of a single-threaded process, `max` of them at most. A kernel that lacks
/// CONFIG_PROC_CHILDREN tells none: who relies on them asks first for a child that is there.
std::vector<int> children_of(int pid, std::size_t max);
/// How a descriptor was opened: the flags of open(2), from /proc/PID/fdinfo.
std::optional<unsigned> descriptor_flags(int pid, int fd);
/// The process that a thread belongs to; `thread` itself if that cannot be told.
int process_of_thread(int thread);
/// The numbers that a directory of /proc lists, `max` of them at most.
std::vector<int> numbers_in(const std::string& path, std::size_t max);
/// What can be read of `fd`, `max_bytes` of it at most; an error ends it like the end of the file.
std::string read_up_to(int fd, std::size_t max_bytes);
/// /proc/PID/NAME, at most `max_bytes` of it.
std::string read_process_file(int pid, std::string_view name, std::size_t max_bytes);
/// What the link /proc/PID/NAME says.
std::string read_process_link(int pid, std::string_view name);

}  // namespace sandbox_run::watch
