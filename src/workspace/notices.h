#pragma once

#include "events/event_sink.h"
#include "workspace/layer_planner.h"

// A commit's events. Bounded: of each kind the first hundred, then one with the count of the rest.

namespace sandbox_run::workspace {

/// "added", "changed", "removed", "replaced": in events and in JSON.
const char* to_word(ChangeKind kind);

/// change.held (notice), change.protected (alert), for each.
void record_held(const std::vector<HeldChange>& held, events::EventSink& sink);
/// change.asked_for (notice): one for all.
void record_asked_for(const CommitSummary& summary, events::EventSink& sink);
/// change.stripped (notice).
void record_stripped(const CommitPlan& plan, events::EventSink& sink);
/// change.discarded: `count` entries of `target`'s layer, whose command failed.
void record_discarded(const std::string& target, std::uint64_t count, events::EventSink& sink);
/// commit.recovered: `outcome` is "finished", "undone", "cleaned" or "skipped".
void record_recovered(const std::string& run, const std::string& outcome,
                      const std::vector<std::string>& targets, events::EventSink& sink);
/// cache.kept_out: why a cache's new entries were not taken over.
void record_cache_failure(const std::string& why, events::EventSink& sink);

}  // namespace sandbox_run::workspace
