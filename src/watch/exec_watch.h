#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "events/actor.h"
#include "events/caller_table.h"
#include "events/event_sink.h"
#include "policy/policy.h"
#include "watch/nested_manager.h"
#include "watch/written_files.h"

namespace sandbox_run::watch {

struct WatchTotals {
  std::uint64_t execs = 0;    // of files that exist
  std::uint64_t scripts = 0;  // lifecycle scripts and builds that were started
  /// Nothing but the package manager itself (without one: the program of the system that the user
  /// typed) and known helpers was executed: see TrustedPrograms.
  bool only_package_manager_ran = true;
  std::vector<NestedManager> nested = {};  // in the order of their starts; bounded
};

/// Real paths on the host, which are the sandboxee's, too.
struct WatchedPlaces {
  /// Its root, to tell its own scripts from those of its dependencies; "": the first command's
  /// directory.
  std::string project = {};
  std::string home = {};
  std::vector<OverlayPlace> layers = {};
  /// Package managers' programs, as TrustedPrograms takes them: who of the user's own code starts
  /// one, starts a package manager, whatever the command is.
  std::vector<std::string> managers = {};
  policy::CommandRule manages = {};  // with which words an interpreter among them is one
  std::vector<std::string> never_shadowed = {};  // see ShadowedPrograms
};

/// Reads the notifications (seccomp_unotify(2)) of the sandboxee. Of connect(2): marks the socket
/// with its caller's number, see connect_watch.h. Of SIGUSR1: see signal_watch.h; of sockets for
/// ICMP and raw IP: socket_watch.h; of calls that write: write_watch.h. Of exec: keeps the process
/// tree, labels each process with its actor, and lets every exec go on but those of paths that lead
/// nowhere: these fail as it was seen, so that none goes unrecorded. Nothing else is decided here;
/// the pointer arguments' TOCTOU matters to attribution, see src/README.md.
class ExecWatch {
 public:
  /// `listener`: the seccomp listener. `sink` and `callers` outlive the watch. `trusted_programs`:
  /// see TrustedPrograms. Empty: nothing but its helpers is trusted. `init_pid`: whose children are
  /// what has lost its parent; 0: the command's own parent.
  ExecWatch(base::UniqueFd listener, policy::PackageManager manager, events::EventSink& sink,
            events::CallerTable& callers, WatchedPlaces places = {},
            std::vector<std::string> trusted_programs = {}, int init_pid = 0);
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

  /// Readable when a script has ended: call on_script_end().
  int script_fd() const;
  bool on_script_end();
  /// Every process is dead: records what is still to be said of scripts.
  void finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sandbox_run::watch
