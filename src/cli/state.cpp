#include "cli/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <string_view>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/held_view.h"
#include "workspace/seal.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;

constexpr std::size_t kElsewhereNamed = 3;
constexpr std::size_t kSlack = 20;  // so many are removed at once, so that most starts need not

/// "20261121T204512.123-4711" → the date's fields; digits where digits are, nothing else.
std::optional<tm> parse_id(const std::string& id) {
  constexpr std::string_view kForm = "00000000T000000.000-";
  if (id.size() <= kForm.size() || id.size() > kForm.size() + 10) return std::nullopt;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const char form = i < kForm.size() ? kForm[i] : '0';
    const bool is_digit = id[i] >= '0' && id[i] <= '9';
    if (form == '0' ? !is_digit : id[i] != form) return std::nullopt;
  }
  tm utc{};
  return ::strptime(id.c_str(), "%Y%m%dT%H%M%S", &utc) != nullptr ? std::optional(utc)
                                                                  : std::nullopt;
}

/// Does `here` lie in what the run could change? A run that can't be read answers no.
bool is_about(const std::string& run_directory, const std::string& here) {
  const std::vector<std::string> targets = targets_of(run_directory);
  return std::any_of(targets.begin(), targets.end(),
                     [&](const std::string& target) { return base::is_beneath(here, target); });
}

/// The newest run here is the one that is meant.
void refuse_if_too_large(const std::string& run_directory, const std::string& here) {
  std::optional<workspace::TooLarge> what;
  try {
    what = workspace::too_large_to_undo(run_directory);
  } catch (const base::SysError&) {
    return;  // damaged, or just being removed
  }
  if (!what) return;
  const bool is_here =
      std::any_of(what->targets.begin(), what->targets.end(),
                  [&](const std::string& target) { return base::is_beneath(here, target); });
  if (!is_here) return;
  throw base::UserError(
      "what the last run replaced in " + base::printable(here) +
      " was not kept, so there is nothing to undo: " + workspace::words_of(*what));
}

[[noreturn]] void fail_elsewhere(const std::string& state, const std::vector<std::string>& ids,
                                 const std::string& here) {
  std::string text = "no run holds changes of " + base::printable(here) + "; others do:";
  for (std::size_t i = 0; i < ids.size() && i < kElsewhereNamed; ++i) {
    const std::vector<std::string> targets =
        targets_of(join_path(join_path(state, "runs"), ids[i]));
    text += (i == 0 ? " sandbox-run review " : ", ") + ids[i];
    if (!targets.empty()) text += " (" + base::printable(targets.front()) + ")";
  }
  if (ids.size() > kElsewhereNamed) text += " …; see sandbox-run runs";
  throw base::UserError(text);
}

}  // namespace

std::vector<std::string> run_ids(const std::string& state) {
  std::vector<std::string> ids;
  const base::UniqueFd directory(
      ::open(join_path(state, "runs").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return ids;
  for (const base::DirectoryEntry& entry : base::list_directory(directory.get())) {
    if (parse_id(entry.name)) ids.push_back(entry.name);
  }
  std::sort(ids.rbegin(), ids.rend());
  return ids;
}

std::optional<std::chrono::system_clock::time_point> start_of(const std::string& run_id) {
  std::optional<tm> utc = parse_id(run_id);
  if (!utc) return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&*utc));
}

RunInUse::RunInUse(const std::string& run_directory)
    : directory_(base::check_sys(
          ::open(run_directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
          "opening " + run_directory)) {
  while (::flock(directory_.get(), LOCK_SH) != 0) {
    if (errno != EINTR) throw base::SysError("locking " + run_directory);
  }
}

std::optional<RunInUse> RunInUse::alone(const std::string& run_directory) {
  base::UniqueFd directory(
      ::open(run_directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory || ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  return RunInUse(std::move(directory));
}

void RunInUse::wait(const std::string& run_directory) {
  const base::UniqueFd directory(base::check_sys(
      ::open(run_directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
      "opening " + run_directory));
  while (::flock(directory.get(), LOCK_EX) != 0) {
    if (errno != EINTR) throw base::SysError("waiting for " + run_directory);
  }
}

bool is_unfinished(const std::string& run_directory) {
  return base::exists(join_path(run_directory, "unfinished")) ||
         base::exists(join_path(run_directory, "journal"));
}

bool holds_changes(const std::string& run_directory) {
  // Not: a run whose replaced entries are still being removed.
  if (base::exists(join_path(run_directory, "journal"))) return true;
  if (!base::exists(join_path(run_directory, "held"))) return false;
  try {
    return !workspace::read_held(run_directory).empty();
  } catch (const base::SysError&) {
    return true;  // damaged, or of another version: for all that can be told
  }
}

bool keeps_replaced(const std::string& run_directory) {
  return base::exists(join_path(run_directory, "undo"));
}

std::vector<std::string> targets_of(const std::string& run_directory) {
  try {
    return workspace::HeldView(run_directory).targets();
  } catch (const std::exception&) {
    return {};  // damaged, of another owner, or just being removed
  }
}

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

std::string find_run(const std::string& state, const std::string& name, RunKind kind,
                     const std::string& here) {
  const std::string runs = join_path(state, "runs");
  if (!name.empty() && name != "last") {
    std::string directory = join_path(runs, name);
    if (name.find('/') == std::string::npos && base::is_directory(directory)) return directory;
    throw base::UserError("there is no run '" + base::printable(name) + "' in " +
                          base::printable(runs));
  }
  std::vector<std::string> elsewhere;
  for (const std::string& id : run_ids(state)) {
    std::string directory = join_path(runs, id);
    if (kind == RunKind::any) return directory;
    const bool fits =
        kind == RunKind::undoable ? keeps_replaced(directory) : holds_changes(directory);
    if (kind == RunKind::undoable) refuse_if_too_large(directory, here);
    if (!fits) continue;
    if (!name.empty() || is_about(directory, here)) return directory;
    elsewhere.push_back(id);
  }
  if (kind == RunKind::undoable) {
    throw base::UserError("nothing that a run replaced in " + base::printable(here) +
                          " is kept, so there is nothing to undo");
  }
  if (!elsewhere.empty()) fail_elsewhere(state, elsewhere, here);
  throw base::UserError(kind == RunKind::any ? "no run has been made yet"
                                             : "no run holds changes: nothing to do");
}

void remove_old_runs(const std::string& state) {
  std::size_t kept = 0;
  const std::vector<std::string> ids = run_ids(state);
  if (ids.size() <= kKeptRuns + kSlack) return;
  for (const std::string& id : ids) {
    const std::string directory = join_path(join_path(state, "runs"), id);
    if (++kept <= kKeptRuns || holds_changes(directory)) continue;
    const auto alone = RunInUse::alone(directory);
    if (!alone) continue;  // it runs still
    try {
      base::remove_tree(directory);
      workspace::remove_seal(state, id);
    } catch (const base::SysError&) {
      continue;  // of another owner: left for its owner's next run
    }
  }
}

}  // namespace sandbox_run::cli
