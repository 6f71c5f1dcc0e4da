#pragma once

#include <string>

#include "cli/options.h"
#include "cli/prepare.h"
#include "cli/run_facts.h"
#include "events/event_sink.h"
#include "policy/policy.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// What became of a run's changes.
struct TakenOver {
  workspace::CommitSummary summary;
  std::uint64_t discarded = 0;  // changes thrown away by --discard
  std::string failure;          // the commit itself failed: why
  bool is_open = false;         // and could not be undone yet
};

/// Judges and commits by the profile; or holds all (--review); or judges all, so that the log tells
/// what was tried, and keeps nothing (--discard). With the latter two caches are not kept either.
/// `hold_reason`: not "", all is held for this reason, unless nothing is kept anyway.
TakenOver take_over(Changes changes, const workspace::CommitRequest& request,
                    const std::string& hold_reason, events::EventSink& sink);

/// The rules with "commit" and its kin turned into "hold", for `reason`; what is protected or held
/// anyway stays so, with its own reason. Pure.
policy::FilesystemPolicy hold_all(policy::FilesystemPolicy files, const std::string& reason);

/// Where links of what is taken over may lead. Pure.
workspace::KnownPlaces known_places(const Preparation& prepared,
                                    const std::vector<workspace::LayerDirectory>& layers,
                                    bool only_package_manager_ran);

/// Does the command run what the user named, so that what it makes is kept, though it fails? Pure.
bool makes_output(const policy::FilesystemPolicy& files, const std::vector<std::string>& arguments);

/// Did the command write what its package manager writes at its end (Policy::done_when_written)? To
/// be asked before the commit.
bool says_it_is_done(const policy::Policy& policy,
                     const std::vector<workspace::LayerDirectory>& layers);

/// `kept`: expected changes were committed, as far as the mode allows.
RunOutcome outcome_of(Changes changes, bool kept, const TakenOver& taken);

}  // namespace sandbox_run::cli
