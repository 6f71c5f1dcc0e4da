#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "cli/options.h"
#include "cli/paragraph.h"
#include "events/event.h"
#include "watch/exec_watch.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// What the end of a run is told by.
struct SummaryFacts {
  std::string profile;
  std::string run_id;
  std::vector<std::string> command;  // argv
  std::vector<std::string> options;  // those of sandbox-run itself
  int exit_code = 0;                 // sandbox-run's own
  int command_exit_code = 0;         // the command's: 128+n if a signal ended it
  bool time_limit = false;           // the time limit ended it
  std::string limit;                 // another one did, in words; "": none
  bool committed = false;            // changes were taken over, as far as they were expected
  Changes changes = Changes::by_profile;
  bool held_for_alert = false;  // all changes are held, because of an alert
  bool fails_by_ci = false;     // exit code 122 is because the variable CI is set
  workspace::CommitSummary commit;
  std::uint64_t discarded = 0;  // changes that --discard threw away
  watch::WatchTotals watch;
  broker::NetworkTotals network;
  std::vector<std::string> registry_hosts;  // that the package manager is configured for
  std::size_t withheld_environment = 0;
  std::vector<events::Event> alerts;  // the first ones
  std::uint64_t alert_count = 0;      // all of them; less than alerts.size(): as many as those
  std::chrono::steady_clock::duration overhead{};
  std::string home;  // of the user, for which "~" is written
  std::string log_path;
  std::string log_sha256;             // of its last line: sandbox-run-events(5), CHAIN
  std::vector<std::string> hints;     // anything else a person should know
  std::vector<std::string> warnings;  // said before the command was started
};

/// All alerts, also those that are not among the first ones.
std::uint64_t alert_count(const SummaryFacts& facts);

/// A sentence with the verdict (clean, needs a look, stopped, or that the command failed), a few
/// acts, each with what to type next, and where the log is. Each line ends in a newline. Pure;
/// every foreign string is made printable.
std::string summary_text(const SummaryFacts& facts, const Layout& layout);

/// For --quiet: "" without an alert, else the sentence and every alert.
std::string alerts_text(const SummaryFacts& facts, const Layout& layout);

/// The same facts as one JSON object on one line, with a newline. Lists hold at most 1,000 entries.
std::string summary_json(const SummaryFacts& facts);

}  // namespace sandbox_run::cli
