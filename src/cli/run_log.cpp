#include "cli/run_log.h"

#include <cstdlib>
#include <optional>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "events/event_file.h"
#include "events/open_sink.h"

namespace sandbox_run::cli {
namespace {

std::optional<std::string> environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

std::string log_path(const std::string& run_directory) {
  return base::join_path(run_directory, kLogName);
}

std::string log_head_path(const std::string& run_directory) {
  return base::join_path(run_directory, "events.head");
}

std::unique_ptr<events::EventLog> open_run_log(const std::string& run_directory,
                                               const std::vector<events::SinkAddress>& sinks) {
  std::vector<base::UniqueFd> files;
  files.push_back(events::open_event_file(log_path(run_directory)));
  auto log = std::make_unique<events::EventLog>(base::file_name(run_directory), std::move(files));
  for (const events::SinkAddress& sink : sinks) {
    log->add_sink(events::open_sink(sink, environment_variable));
  }
  return log;
}

void record_missing(events::EventSink& sink, const std::string& protection,
                    const std::string& reason) {
  events::Event missing{"protection.missing", events::Severity::notice};
  missing.details = {{"protection", protection}, {"reason", reason}};
  sink.record(missing);
}

void end_run_log(events::EventLog& log, const std::string& run_directory,
                 std::vector<std::string>& notes) {
  log.finish();
  for (std::string& failure : log.failures()) notes.push_back(std::move(failure));
  try {
    base::write_file_atomically(log_head_path(run_directory), events::to_json_line(log.head()),
                                0600);
  } catch (const base::SysError& error) {
    notes.emplace_back(error.what());
  }
}

}  // namespace sandbox_run::cli
