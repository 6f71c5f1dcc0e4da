#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "events/event.h"
#include "policy/policy.h"

namespace sandbox_run::watch {

struct WatchTotals {
  std::uint64_t execs = 0;    // of files that exist
  std::uint64_t scripts = 0;  // lifecycle scripts and builds that were started
  /// No script, build or project script was executed, and nothing that could not be told apart.
  bool only_package_manager_ran = true;
};

/// Reads exec notifications (seccomp_unotify(2)) of the sandboxee, keeps the process tree, labels
/// each process with its actor, and lets every exec go on: nothing is decided here, so the pointer
/// arguments' TOCTOU does not matter to security; it matters to attribution, see src/README.md.
class ExecWatch {
 public:
  /// `listener`: the seccomp listener. `sink` outlives the watch. `project`: the project's root,
  /// to tell its own scripts from those of its dependencies; "": the first command's directory.
  ExecWatch(base::UniqueFd listener, policy::PackageManager manager, events::EventSink& sink,
            std::string project = {});
  ~ExecWatch();
  ExecWatch(const ExecWatch&) = delete;
  ExecWatch& operator=(const ExecWatch&) = delete;

  int fd() const;
  /// Call when fd() is readable: handles what is pending, never waits. False: the listener is dead
  /// (every filtered process is gone).
  bool on_readable();
  /// The actor of a process, by its pid on the host: inherited from the nearest known ancestor.
  events::Actor actor_of(int pid);
  WatchTotals totals() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sandbox_run::watch
