#include "cli/lost_files_notes.h"

#include <algorithm>
#include <fstream>

#include "base/format.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/review/style.h"
#include "cli/review/suspects.h"
#include "cli/run_log.h"

namespace sandbox_run::cli {
namespace {

constexpr std::size_t kMaxLostNotes = 3;
constexpr std::uint64_t kMissedCache = 1U << 20;  // less of a cache is fetched again unnoticed

bool would_be_missed(const LostFiles& lost, const plan::Plan& plan) {
  return lost.bytes >= kMissedCache ||
         !base::is_beneath(lost.path, base::join_path(plan.home, ".cache"));
}

std::string note(const LostFiles& lost, const plan::Plan& plan, const std::string& who) {
  const std::string place = "~/" + base::relative_to(lost.path, plan.home);
  std::string text =
      base::format("discarded with the false home: {} ({}, {}){}", base::printable(place),
                   lost.files == 1 ? "1 file" : base::format("{} files", lost.files),
                   size_words(lost.bytes), who.empty() ? "" : " by " + who);
  const std::string first = place.substr(2, place.find('/', 2) - 2);
  const bool is_cache = base::is_beneath(lost.path, base::join_path(plan.home, ".cache"));
  // ~/venv beside the project. Not of a directory that is there, with what else lies in it; and of
  // ~/.bashrc and its like nobody is told how a package may have it.
  const bool is_beside = !first.starts_with('.') && lost.files > 1 && !base::exists(lost.path);
  if (!is_cache && !is_beside) return text;
  std::vector<std::string> command{"sandbox-run", "--rw", lost.path};
  command.insert(command.end(), plan.exec.arguments.begin(), plan.exec.arguments.end());
  const std::string made = is_cache ? "" : "mkdir -p " + base::shell_words({lost.path}) + " && ";
  return text + "; to keep it: " + base::printable(made + base::shell_words(command));
}

}  // namespace

std::vector<std::string> record_lost_files(const std::vector<LostFiles>& lost,
                                           const plan::Plan& plan, const std::string& run_directory,
                                           events::EventSink& sink) {
  std::vector<std::string> notes;
  if (lost.empty()) return notes;
  std::ifstream log = read_run_log(run_directory);
  const Suspects suspects(log);
  for (const LostFiles& one : lost) {
    if (!would_be_missed(one, plan)) continue;
    events::Event event{"home.discarded", events::Severity::notice};
    event.details = {{"path", one.path}, {"files", one.files}, {"bytes", one.bytes}};
    if (const auto only = suspects.only("", one.path, one.changed_at)) {
      event.actor = only->actor;
      if (!only->was_seen) event.details["inferred"] = true;
    }
    sink.record(event);
    if (notes.size() < kMaxLostNotes) {
      const bool by_manager =
          event.actor && event.actor->kind == events::Actor::Kind::package_manager;
      notes.push_back(
          note(one, plan, by_manager ? "" : suspects.words("", one.path, one.changed_at)));
    }
  }
  return notes;
}

}  // namespace sandbox_run::cli
