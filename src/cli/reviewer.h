#pragma once

#include <sys/types.h>

#include <string>

#include "base/unique_fd.h"

namespace sandbox_run::cli {

/// The interactive review at the end of a run, in a process that is forked before the run: the
/// supervisor confines itself (sandbox/supervisor_confinement.h) and can launch no sandbox any
/// more, and the review shows differences by a diff(1) in one. Make it with a single thread.
/// Destroyed unused, it ends the process.
class Reviewer {
 public:
  /// Of this run, which the supervisor can't say any more: whoever took it over would name a state
  /// of his own, with records that lead anywhere. Throws SysError.
  Reviewer(const std::string& state, const std::string& run_directory);
  ~Reviewer();
  Reviewer(const Reviewer&) = delete;
  Reviewer& operator=(const Reviewer&) = delete;

  /// review_interactively() there; its exit code. Once.
  int review();

 private:
  int wait();

  base::UniqueFd channel_;
  pid_t process_ = -1;
};

}  // namespace sandbox_run::cli
