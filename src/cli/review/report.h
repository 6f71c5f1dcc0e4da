#pragma once

#include <string>
#include <vector>

#include "cli/review/describe.h"
#include "cli/review/source.h"
#include "cli/review/style.h"

namespace sandbox_run::cli {

/// What `sandbox-run review` prints: a tree, and what to type next. `paths` (full) restricts it to
/// what they name, which is then shown in full.
std::string review_text(ReviewSource& source, const std::vector<std::string>& paths,
                        const Style& style);

/// The same as one JSON object on one line (man/sandbox-run.1, "review --json").
std::string review_json(ReviewSource& source, const std::vector<std::string>& paths);

/// Two or more lines of one change, without its name: what changed, why it is held, who is
/// suspected, and its content; each begins with `indent`.
std::string change_text(ReviewSource& source, const workspace::HeldChange& change,
                        const ContentLimits& limits, const std::string& indent, const Style& style);

/// "PROTECTED: git runs it".
std::string reason_words(const workspace::HeldChange& change);

}  // namespace sandbox_run::cli
