#pragma once

#include <linux/seccomp.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "events/actor.h"
#include "events/event_sink.h"
#include "watch/notification.h"
#include "watch/pinned_processes.h"
#include "watch/process_files.h"
#include "watch/process_table.h"

namespace sandbox_run::watch {

/// What the scripts of packages, and builds, write outside their own directory: a "file.written"
/// for each of them and place (watch/write_place.h), so that a change of a protected place has a
/// name where several scripts were running, and the behaviour lock knows it. Another package's code
/// is where a hijacked one hides best: what is in node_modules is committed.
///
/// The filter notifies calls that open for writing, make, rename or remove an entry
/// (sandbox/generate_filter.cpp); nothing is read of those of the package manager itself.
/// Where a path leads that could not be followed is a place, too: to hide behind one is behaviour.
///
/// Must not: decide. A second thread may change the path after the look: what is written there is
/// judged by the commit, whoever wrote it.
class WriteWatch {
 public:
  /// The references outlive it.
  WriteWatch(const NotificationChannel& channel, ProcessTable& processes, events::EventSink& sink,
             std::string project, std::string home)
      : channel_(channel),
        processes_(processes),
        sink_(sink),
        project_(std::move(project)),
        home_(std::move(home)) {}

  /// `actor`'s own, where its script or build began: without links, as /proc says it.
  void own(const events::Actor& actor, const std::string& directory);
  /// Records what the call is about to do; the caller lets it go on.
  void look(const seccomp_notif& notification);
  /// The process is about to be another program, and may be another actor's.
  void forget(int process) { known_.forget(process); }

 private:
  struct Writer {
    events::Actor actor;
    /// By its ancestors. An orphan chooses what it is known by (its environment, its process
    /// group): it must not put its work down to another.
    bool is_certain = false;
  };
  struct Known {
    std::set<std::string> directories;  // its own
    std::set<std::string> places;       // told
  };

  Known* known(const events::Actor& actor);
  Writer writer(const std::optional<ProcessStatus>& status);
  void record(const Writer& writer, const std::string& path, int thread);
  void tell(const Writer& writer, const std::string& path, const std::string& place, int thread);

  const NotificationChannel& channel_;
  ProcessTable& processes_;
  events::EventSink& sink_;
  std::string project_;
  std::string home_;
  PinnedProcesses<Writer> known_;
  std::map<std::string, Known> packages_;
};

/// True if a filter notifies the system call `number` for WriteWatch.
bool is_write_call(int number);

}  // namespace sandbox_run::watch
