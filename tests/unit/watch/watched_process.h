#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "events/event.h"
#include "watch/exec_watch.h"

namespace sandbox_run::watch {

/// A child that notifies its execs, as a sandboxee does.
class WatchedProcess {
 public:
  /// `arguments[0]` is the program's path. The environment holds PATH alone.
  explicit WatchedProcess(const std::vector<std::string>& arguments,
                          const std::vector<std::string>& environment = {});
  WatchedProcess(const WatchedProcess&) = delete;
  WatchedProcess& operator=(const WatchedProcess&) = delete;
  ~WatchedProcess();

  pid_t pid() const { return pid_; }
  base::UniqueFd take_listener() { return std::move(listener_); }
  /// SIGKILL, and waits for the end.
  void kill();
  /// Its exit status once it has ended (without waiting), -1 while it runs.
  int poll_exit();

 private:
  pid_t pid_ = -1;
  int status_ = -1;
  base::UniqueFd listener_;
};

struct RecordedEvents : events::EventSink {
  void record(const events::Event& event) override { all.push_back(event); }
  std::vector<events::Event> of_type(const std::string& type) const;
  /// The actor, in words, of the last exec of a file of this name; "" if there is none.
  std::string actor_of_exec(const std::string& file_name) const;
  std::vector<events::Event> all;
};

/// A whole watched run.
struct WatchedRun {
  RecordedEvents events;
  events::CallerTable callers;
  WatchTotals totals;
  int exit_status = -1;
};
WatchedRun watch_run(policy::PackageManager manager, const std::vector<std::string>& arguments,
                     const std::vector<std::string>& environment = {},
                     const std::vector<std::string>& trusted_programs = {});

/// A run of a package manager that is a shell script with this text; the script, and what else is
/// named, is trusted. DIR in the text is the new directory that it lies in.
WatchedRun watch_package_manager(const std::string& text,
                                 const std::vector<std::string>& environment = {},
                                 const std::vector<std::string>& also_trusted = {});

/// The path of watch_probe.
std::string probe();

}  // namespace sandbox_run::watch
