#pragma once

#include <sys/stat.h>

#include <string>

#include "base/unique_fd.h"

namespace sandbox_run::watch {

/// What a path leads to.
struct Look {
  enum class Result { found, missing, unclear };
  Result result = Result::unclear;
  int error = 0;          // missing: what the kernel says of it, ENOENT, ENOTDIR or EACCES
  std::string real_path;  // found: without links, from the process's root
  struct stat status {};  // found
};

/// The file system as a process sees it: its root, its working directory.
class ProcessRoot {
 public:
  /// Of a thread; of one that is gone, every look is unclear.
  explicit ProcessRoot(int thread);
  /// `path` is where `directory`, the working directory, lies beneath `root`.
  ProcessRoot(base::UniqueFd root, base::UniqueFd directory, std::string path);

  /// Follows `path` (not empty) as the kernel would for the process: links lead to its root, never
  /// to ours, and ".." never out of it. Unclear: what leads through a proc file system (its links
  /// say something else to us), what is too long, or a working directory that is not where it says.
  Look look_up(const std::string& path) const;

 private:
  base::UniqueFd root_;
  base::UniqueFd directory_;
  std::string path_;
};

}  // namespace sandbox_run::watch
