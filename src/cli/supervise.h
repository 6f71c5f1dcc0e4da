#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "cli/alert_sink.h"
#include "cli/limit_watch.h"
#include "cli/refusal_notice.h"
#include "events/deferred_sink.h"
#include "events/event_sink.h"
#include "plan/plan.h"
#include "policy/decoys.h"
#include "policy/leak_finder.h"
#include "policy/policy.h"
#include "policy/proxy.h"
#include "sandbox/setup_step.h"
#include "watch/exec_watch.h"

namespace sandbox_run::cli {

/// How a sandboxed command ended.
struct Outcome {
  /// lost: init ended without a report (somebody killed it): nothing is known of the command.
  /// alert, limit: everything was killed because of one.
  enum class Kind { exited, killed, time_limit, limit, alert, not_started, lost };
  Kind kind = Kind::lost;
  int value = 0;                                 // exit status, or signal
  std::optional<sandbox::SetupFailure> failure;  // not_started
  std::optional<LimitWatch::Passed> limit;       // limit
  LimitWatch::Peaks peaks;                       // of what it used
  watch::WatchTotals watch;
  broker::NetworkTotals network;
  base::UniqueFd home;                           // what the false home was; see lost_files.h
  std::chrono::steady_clock::duration set_up{};  // from the call to the command's start
};

struct SuperviseRequest {
  const plan::Plan* plan = nullptr;
  policy::NetworkPolicy network;
  policy::ProxyPolicy proxies;
  policy::PackageManager package_manager = policy::PackageManager::none;
  events::EventSink* sink = nullptr;
  events::DeferredSink* deferred = nullptr;   // where `sink` ends, if it may let events wait
  const policy::DecoySet* decoys = nullptr;   // what the plan's decoys are; nullptr: there are none
  const policy::LeakFinder* leaks = nullptr;  // shown what goes out; nullptr: as above
  /// Not nullptr: the first alert that passes through this sink kills everything at once.
  AlertSink* kill_on_alert = nullptr;
  RefusalNotice* refusals = nullptr;  // not nullptr: they are said as they happen
  std::string project;                // whose own scripts are project scripts
  std::string home;
  std::vector<std::string> trusted_programs;  // the package manager's own: watch/exec_watch.h
  std::vector<std::string> managers;          // those that the user's own code may start
  policy::CommandRule manages;                // with which words: watch/exec_watch.h
  std::vector<std::string> never_shadowed;    // watch/shadowed_programs.h
  const sandbox::ControlGroup* control_group = nullptr;  // nullptr: it runs where we do
  std::array<bool, 3> closed_streams{};
  /// Not nullptr: standard output goes here (at most kMaxCapture bytes), input and errors nowhere,
  /// and no signal is forwarded: a question to a package manager.
  std::string* capture = nullptr;
};
inline constexpr std::size_t kMaxCapture = 8U << 20;

/// Launches, serves and ends one sandbox. Unless it is a question, this process is confined from
/// then on: see sandbox/supervisor_confinement.h; it can launch no other. When it returns, every
/// process in it is dead. Throws sandbox::SetupError.
Outcome supervise(const SuperviseRequest& request);

}  // namespace sandbox_run::cli
