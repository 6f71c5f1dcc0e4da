#include "cli/run_log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <optional>

#include "base/digest.h"
#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "events/open_sink.h"
#include "sandbox/launch.h"

namespace sandbox_run::cli {
namespace {

[[noreturn]] void throw_no_log(const std::string& path) {
  throw base::SysError(EINVAL, "opening the log " + path + ", which is no regular file");
}

/// Only a file that lies there itself: a link could have been planted by whoever took over the
/// supervisor of the run that it is of, and lines of a package's choosing would go to ~/.bashrc.
base::UniqueFd open_own_log(const std::string& path) {
  const std::string doing = "opening the log " + path;
  base::UniqueFd file(::open(
      path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!file && errno != ELOOP && errno != ENXIO) throw base::SysError(doing);
  struct stat status {};
  if (file) base::check_sys(::fstat(file.get(), &status), doing);
  if (!S_ISREG(status.st_mode)) throw_no_log(path);
  return file;
}

std::optional<std::string> environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

std::string log_path(const std::string& run_directory) {
  return base::join_path(run_directory, kLogName);
}

std::ifstream read_run_log(const std::string& run_directory) {
  const std::string path = log_path(run_directory);
  const auto status = base::stat_no_follow(path);
  if (status && !S_ISREG(status->st_mode)) throw_no_log(path);
  return std::ifstream(path, std::ios::binary);
}

std::string log_head_path(const std::string& run_directory) {
  return base::join_path(run_directory, "events.head");
}

std::unique_ptr<events::EventLog> open_run_log(const std::string& run_directory,
                                               const std::vector<events::SinkAddress>& sinks) {
  std::vector<base::UniqueFd> files;
  files.push_back(open_own_log(log_path(run_directory)));
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

void record_started(events::EventSink& log, const plan::Plan& plan, const std::string& plan_text) {
  events::Event started{"run.started"};
  base::json::array command;
  for (const std::string& word : plan.exec.arguments) command.emplace_back(word);
  started.details = {{"command", std::move(command)},
                     {"directory", plan.exec.working_directory},
                     {"profile", plan.profile},
                     {"plan_sha256", base::sha256_hex(plan_text)}};
  log.record(started);
  for (const std::string& name : plan.withheld_environment) {
    events::Event withheld{"env.withheld"};
    withheld.details = {{"name", name}};
    log.record(withheld);
  }
  if (plan.landlock.abi == 0) {
    record_missing(log, "landlock", "this kernel has no Landlock");
  } else if (plan.landlock.abi < sandbox::kSupervisorLandlockAbi) {
    record_missing(log, "landlock for the supervisor",
                   "this kernel's Landlock is of the first kind");
  }
}

void record_finished(events::EventLog& log, const RunEnd& end) {
  const auto microseconds = [](std::chrono::steady_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  };
  events::Event finished{"run.finished"};
  finished.details = {{"exit_code", end.exit_code},
                      {"outcome", end.outcome},
                      {"committed", end.committed},
                      {"alerts", log.count(events::Severity::alert)},
                      {"overhead_us", microseconds(end.overhead)},
                      {"commit_us", microseconds(end.commit)},
                      {"steps_us", end.steps},
                      {"used", end.used}};
  log.record(finished);
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
