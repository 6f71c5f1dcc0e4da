#pragma once

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "events/event_log.h"
#include "events/sink_address.h"
#include "plan/plan.h"

namespace sandbox_run::cli {

/// The log of a run, in its directory: events.jsonl, and beside it events.head with the number and
/// digest of its last line, so that a log cut off at its end is told (man/sandbox-run-events.5,
/// CHAIN).
inline constexpr const char* kLogName = "events.jsonl";
std::string log_path(const std::string& run_directory);
/// To read it. Throws SysError if something else than a file lies there.
std::ifstream read_run_log(const std::string& run_directory);
std::string log_head_path(const std::string& run_directory);

/// Opens it, and the further `sinks`. While the calling process has one thread: see
/// events/open_sink.h. Throws UserError.
std::unique_ptr<events::EventLog> open_run_log(const std::string& run_directory,
                                               const std::vector<events::SinkAddress>& sinks);

/// That the run does without a protection, which this host can't give.
void record_missing(events::EventSink& sink, const std::string& protection,
                    const std::string& reason);
/// The first events: what is run, and what it has to do without. `plan_text` is what `sandbox-run
/// plan` would print.
void record_started(events::EventSink& log, const plan::Plan& plan, const std::string& plan_text);

struct RunEnd {
  int exit_code = 0;
  std::string_view outcome;
  std::uint64_t committed = 0;  // entries
  std::chrono::steady_clock::duration overhead{};
  std::chrono::steady_clock::duration commit{};  // a part of it
  base::json::object steps;                      // Timings
  base::json::object used;                       // to_json(LimitWatch::Peaks)
};
/// The last event.
void record_finished(events::EventLog& log, const RunEnd& end);

/// After it: sends what is under way, and writes events.head. What went wrong is added to `notes`,
/// in words.
void end_run_log(events::EventLog& log, const std::string& run_directory,
                 std::vector<std::string>& notes);

}  // namespace sandbox_run::cli
