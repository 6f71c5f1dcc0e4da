#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sandbox_run::cli {

/// What became of a run. unknown: its log can't be read.
enum class RunState { running, interrupted, held, committed, discarded, failed, unknown };
std::string_view to_word(RunState state);

/// How a run ended, as its run.finished event says ("outcome"; man/sandbox-run-events.5).
enum class RunOutcome { committed, held, discarded, failed };
std::string_view to_word(RunOutcome outcome);

/// What a log tells of its run.
struct RunLog {
  bool empty = true;
  bool started = false;
  bool finished = false;
  std::vector<std::string> command;
  std::string directory;
  int exit_code = 0;
  RunOutcome outcome = RunOutcome::committed;
  std::uint64_t committed = 0;   // entries, right after the run
  bool committed_later = false;  // some of what was held
  bool undone = false;           // the commit was taken back
  bool discarded_later = false;
};

/// The first and the last bytes of a log (the same if it is short). Pure; lines that are cut or are
/// no events are passed over. All strings are still as the log has them: printable.
RunLog read_run_log(std::string_view head, std::string_view tail);

struct RunFacts {
  std::string id;
  RunState state = RunState::unknown;
  RunLog log;
  std::uint64_t held = 0;   // changes
  std::uint64_t bytes = 0;  // on disk
};

/// Never throws for a damaged run: that is unknown.
RunFacts gather_run(const std::string& run_directory);

/// Bytes on disk of the directory and all beneath it, as du(1) counts; no link followed.
std::uint64_t disk_usage(const std::string& directory);

/// Pure: what the facts come to.
enum class Use { free, in_use };
RunState state_of(const RunLog& log, std::uint64_t held, bool unfinished, Use use);

}  // namespace sandbox_run::cli
