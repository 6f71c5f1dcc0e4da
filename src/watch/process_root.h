#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "base/unique_fd.h"

namespace sandbox_run::watch {

/// What a path leads to.
struct Look {
  enum class Result { found, missing, unclear };
  Result result = Result::unclear;
  int error = 0;  // missing: what the kernel says of it, ENOENT, ENOTDIR or EACCES
  /// Found: without links, from the process's root. Missing: where it would be made; "" if a
  /// directory above it is missing, too.
  std::string real_path;
  /// Unclear, as it leads into a proc file system: what was left to follow there ("self/fd/2").
  std::string in_proc;
  struct stat status {};  // found
};

/// Whether a link at the end of a path is what is meant, or what it leads to.
enum class LastLink { followed, itself };

/// The file system as a process sees it: its root, its working directory.
class ProcessRoot {
 public:
  /// Of a thread; of one that is gone, every look is unclear. `directory`: the descriptor at which
  /// relative paths begin, AT_FDCWD for the working directory.
  explicit ProcessRoot(int thread, int directory = AT_FDCWD);
  /// `path` is where `directory`, the working directory, lies beneath `root`.
  ProcessRoot(base::UniqueFd root, base::UniqueFd directory, std::string path);

  /// Follows `path` (not empty) as the kernel would for the process: links lead to its root, never
  /// to ours, and ".." never out of it. Unclear: what leads through a proc file system (its links
  /// say something else to us), what is too long, or a working directory that is not where it says.
  Look look_up(const std::string& path, LastLink last = LastLink::followed) const;

  /// Opens the regular file at `real_path`, as a look has it, for reading, through no link; else no
  /// descriptor. Never blocks.
  base::UniqueFd open(const std::string& real_path) const;

 private:
  base::UniqueFd root_;
  base::UniqueFd directory_;
  std::string path_;
};

}  // namespace sandbox_run::watch
