#pragma once

#include <vector>

#include "cli/paragraph.h"
#include "cli/summary.h"

namespace sandbox_run::cli {

/// A paragraph for each act that the summary names: what, by whom, and one thing to type. Pure;
/// every foreign string is made printable, and stands in one piece.

/// Every alert has its own, or shares it with others of its type and actor; the gravest first.
std::vector<Paragraph> alert_acts(const SummaryFacts& facts);
/// What was blocked, could not be reached, or is held without an alert.
std::vector<Paragraph> other_acts(const SummaryFacts& facts);

/// "evil@1.2.3 postinstall (app › evil): opened the decoy ~/.aws/credentials".
std::string alert_words(const SummaryFacts& facts, const events::Event& alert);

}  // namespace sandbox_run::cli
