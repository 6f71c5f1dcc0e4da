#include "cli/take_over.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/path.h"
#include "base/unique_fd.h"
#include "plan/work_places.h"
#include "policy/command_words.h"

namespace sandbox_run::cli {
namespace {

using policy::TargetKind;
using workspace::CommitRequest;
using workspace::LayerDirectory;

constexpr const char* kNotLookedAt = "not looked at yet (--review)";
constexpr const char* kNotKept = "nothing is kept (--discard)";

workspace::CommitSummary hold_changes(CommitRequest request, const std::string& reason,
                                      events::EventSink& sink) {
  const policy::FilesystemPolicy files = hold_all(*request.policy, reason);
  request.policy = &files;
  // A cache has no review: what is in one is no change that a person could judge.
  std::erase_if(request.layers,
                [](const LayerDirectory& layer) { return layer.target.kind == TargetKind::cache; });
  return workspace::commit_changes(request, sink);
}

TakenOver discard_changes(CommitRequest request, events::EventSink& sink) {
  TakenOver taken;
  request.commit = true;  // judged, also if the command failed
  taken.summary = hold_changes(request, kNotKept, sink);
  taken.discarded = taken.summary.held.size();
  if (!taken.summary.held.empty()) workspace::discard_held(request.run_directory, {}, sink);
  taken.summary.held.clear();
  return taken;
}

/// What PATH finds only after the programs of the prefix: all, if these are not on it.
std::vector<std::string> searched_after(const plan::HostFacts& facts, const std::string& programs) {
  std::vector<std::string> searched;
  for (const plan::HostPath& entry : facts.path_entries) {
    if (entry.real == programs) {
      searched.clear();
    } else {
      searched.push_back(entry.path);
    }
  }
  return searched;
}

workspace::GlobalPlaces global_places(const plan::HostFacts& facts,
                                      const std::vector<workspace::LayerDirectory>& layers) {
  workspace::GlobalPlaces places;
  places.install = *facts.global;
  places.searched = searched_after(facts, places.install.programs);
  for (const workspace::LayerDirectory& layer : layers) {
    if (layer.target.path == places.install.packages) places.packages_upper = layer.upper;
  }
  return places;
}

}  // namespace

TakenOver take_over(Changes changes, const CommitRequest& request, const std::string& hold_reason,
                    events::EventSink& sink) {
  TakenOver taken;
  try {
    base::remove_tree(base::join_path(request.run_directory, "empty"));  // an overlay's lower
    switch (changes) {
      case Changes::by_profile:
        taken.summary = hold_reason.empty() ? workspace::commit_changes(request, sink)
                                            : hold_changes(request, hold_reason, sink);
        break;
      case Changes::review:
        taken.summary = hold_changes(request, kNotLookedAt, sink);
        break;
      case Changes::discard:
        taken = discard_changes(request, sink);
        break;
    }
  } catch (const std::exception& error) {
    taken.failure = error.what();
    taken.is_open = workspace::is_commit_open(request.run_directory);
  }
  return taken;
}

policy::FilesystemPolicy hold_all(policy::FilesystemPolicy files, const std::string& reason) {
  for (policy::TargetRules& target : files.targets) {
    if (target.kind == TargetKind::cache) continue;
    target.hold_reason = reason;
    for (policy::VerdictRule& rule : target.rules) {
      switch (rule.verdict) {
        case policy::Verdict::hold:
        case policy::Verdict::protect:
        case policy::Verdict::drop:
        case policy::Verdict::strip:
          break;
        default:
          rule.verdict = policy::Verdict::hold;
          rule.reason = reason;
      }
    }
  }
  return files;
}

workspace::KnownPlaces known_places(const Preparation& prepared,
                                    const std::vector<workspace::LayerDirectory>& layers,
                                    bool only_package_manager_ran) {
  workspace::KnownPlaces known;
  const auto add = [&](const plan::HostPath& place) {
    if (place.directory && !place.real.empty()) known.programs.push_back(place.real);
    if (place.directory) known.programs.push_back(place.path);
  };
  for (const plan::HostPath& place : prepared.facts.system) add(place);
  for (const plan::ToolchainFact& toolchain : prepared.facts.toolchains) {
    for (const plan::HostPath& root : toolchain.roots) add(root);
  }
  for (const workspace::Target& target : prepared.targets) {
    if (target.kind == TargetKind::project || target.kind == TargetKind::extra) {
      known.projects.push_back(target.path);
    }
  }
  known.own_packages = [root = prepared.facts.manager_directory] {
    return plan::own_packages(root);
  };
  if (prepared.facts.global) {
    known.global = global_places(prepared.facts, layers);
    known.global->only_package_manager_ran = only_package_manager_ran;
  }
  return known;
}

bool makes_output(const policy::FilesystemPolicy& files,
                  const std::vector<std::string>& arguments) {
  return std::any_of(files.targets.begin(), files.targets.end(),
                     [&](const policy::TargetRules& rules) {
                       return rules.kind == TargetKind::project &&
                              ((rules.output && policy::holds_for(*rules.output, arguments)) ||
                               (rules.creates && policy::holds_for(*rules.creates, arguments)));
                     });
}

bool says_it_is_done(const policy::Policy& policy,
                     const std::vector<workspace::LayerDirectory>& layers) {
  if (policy.done_when_written.empty()) return false;
  for (const workspace::LayerDirectory& layer : layers) {
    if (layer.target.kind != TargetKind::project) continue;
    const base::UniqueFd upper(::open(layer.upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (const std::string& path : policy.done_when_written) {
      // Not by a link that a script has left on the way.
      const base::UniqueFd file(base::try_open_beneath(upper.get(), path, O_PATH | O_NOFOLLOW));
      struct stat status {};
      if (file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode)) return true;
    }
  }
  return false;
}

RunOutcome outcome_of(Changes changes, bool kept, const TakenOver& taken) {
  if (!taken.failure.empty()) return RunOutcome::failed;
  if (changes == Changes::discard) return RunOutcome::discarded;
  if (!kept) return RunOutcome::failed;
  return taken.summary.held.empty() ? RunOutcome::committed : RunOutcome::held;
}

}  // namespace sandbox_run::cli
