#pragma once

#include "cli/options.h"
#include "cli/prepare.h"
#include "cli/summary.h"
#include "cli/supervise.h"
#include "cli/take_over.h"
#include "events/event_log.h"
#include "plan/plan.h"

namespace sandbox_run::cli {

// What the summary is told by, from each of those who know a part of it.

void add_options(const Options& options, SummaryFacts& facts);
void add_preparation(const Preparation& prepared, const plan::Plan& plan, SummaryFacts& facts);
void add_outcome(const Outcome& outcome, const TakenOver& commit, SummaryFacts& facts);
void add_log(const events::EventLog& log, SummaryFacts& facts);

/// To standard error, in the form that was asked for; after an alert something is always said.
void tell_summary(const SummaryFacts& facts, Output output);

}  // namespace sandbox_run::cli
