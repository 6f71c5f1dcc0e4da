#pragma once

#include <sys/stat.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "watch/process_files.h"
#include "watch/process_root.h"

// Who opens a file? What /proc tells of threads that wait in a system call, from outside.

namespace sandbox_run::watch {

/// A thread that stands in a system call that opens a file by its path: open(2) and its kin,
/// truncate(2), execve(2).
struct Opener {
  int thread = 0;
  std::string given;  // the path, as the call names it; "": it can't be read
  Look look;          // what that leads to
  std::string call;   // the text of /proc/…/syscall: as long as it is the same, it still waits
};

/// Which path arguments a line of /proc/PID/task/TID/syscall has. Pure. nullopt: the thread runs,
/// or its call opens no file.
struct OpeningCall {
  int directory = -100;  // AT_FDCWD
  std::uint64_t path = 0;
};
std::optional<OpeningCall> parse_opening_call(std::string_view line);

/// Which processes may be of a sandbox whose init is `init`. By their numbers alone it takes no
/// more than a list, but the numbers start anew after /proc/sys/kernel/pid_max of them, which a
/// package can bring about: only the start times, a file each to read, never miss one.
struct Since {
  enum class By { number, start };
  ProcessId init;
  By by = By::start;
};

/// The processes that /proc shows, as young as the init or younger, but not this one; higher
/// numbers first. Bounded.
std::vector<int> processes_since(const Since& since);

/// Calls `found` for each such thread of these processes. Never throws for what it finds; processes
/// come and go. Returns how many threads were looked at.
std::size_t for_each_opener(const Since& since, const std::function<void(const Opener&)>& found);

/// Those of these processes that hold a descriptor of this very file.
std::vector<int> holders_of(const Since& since, const struct stat& file);

}  // namespace sandbox_run::watch
