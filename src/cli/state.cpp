#include "cli/state.h"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;

/// Newest first.
std::vector<std::string> run_ids(const std::string& state) {
  std::vector<std::string> ids;
  const base::UniqueFd directory(
      ::open(join_path(state, "runs").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return ids;
  for (const base::DirectoryEntry& entry : base::list_directory(directory.get())) {
    ids.push_back(entry.name);
  }
  std::sort(ids.rbegin(), ids.rend());
  return ids;
}

bool holds_changes(const std::string& run_directory) {
  return base::exists(join_path(run_directory, "held")) ||
         base::exists(join_path(run_directory, "journal"));
}

/// Not: one whose old entries are still being removed.
bool is_reviewable(const std::string& run_directory) {
  return base::exists(join_path(run_directory, "journal")) ||
         (base::exists(join_path(run_directory, "held")) &&
          !workspace::read_held(run_directory).empty());
}

}  // namespace

std::string state_directory(const std::string& state_home) {
  return join_path(state_home, "sandbox-run");
}

std::string new_run_id() {
  timeval now{};
  ::gettimeofday(&now, nullptr);
  tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  std::array<char, 32> date{};
  std::strftime(date.data(), date.size(), "%Y%m%dT%H%M%S", &utc);
  std::string milliseconds = std::to_string(1000 + now.tv_usec / 1000).substr(1);
  return std::string(date.data()) + "." + milliseconds + "-" + std::to_string(::getpid());
}

std::string make_run_directory(const std::string& state, const std::string& run_id) {
  std::string directory = join_path(join_path(state, "runs"), run_id);
  try {
    base::make_directories(directory, 0700);
  } catch (const base::SysError& error) {
    throw base::UserError(
        base::printable(error.what()) +
        ": the log and the changes of a run are kept there; make it writable, or set "
        "XDG_STATE_HOME to a directory that is");
  }
  return directory;
}

std::string find_run(const std::string& state, const std::string& name, RunKind kind) {
  const std::string runs = join_path(state, "runs");
  if (!name.empty() && name != "last") {
    std::string directory = join_path(runs, name);
    if (name.find('/') == std::string::npos && base::is_directory(directory)) return directory;
    throw base::UserError("there is no run '" + base::printable(name) + "' in " + runs);
  }
  for (const std::string& id : run_ids(state)) {
    std::string directory = join_path(runs, id);
    if (kind == RunKind::any || is_reviewable(directory)) return directory;
  }
  throw base::UserError(kind == RunKind::any ? "no run has been made yet"
                                             : "no run holds changes back: nothing to do");
}

void remove_old_runs(const std::string& state) {
  std::size_t kept = 0;
  for (const std::string& id : run_ids(state)) {
    const std::string directory = join_path(join_path(state, "runs"), id);
    if (++kept <= kKeptRuns || holds_changes(directory)) continue;
    try {
      base::remove_tree(directory);
    } catch (const base::SysError&) {
      continue;  // of another owner: left for its owner's next run
    }
  }
}

}  // namespace sandbox_run::cli
