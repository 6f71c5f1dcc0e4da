#pragma once

#include <istream>
#include <optional>
#include <string>

#include "events/chain.h"

namespace sandbox_run::cli {

struct Verification {
  std::string words;  // for people, without a newline
  /// kOk: whole. kChanged: a line was changed, removed or inserted, or the end cut off. kNoEnd:
  /// what there is holds, but run.finished is missing.
  int exit_code = 0;
};
inline constexpr int kChanged = 1;
inline constexpr int kNoEnd = 3;

/// Checks the chain of digests of a log (events/chain.h). `head`: what is kept beside it.
Verification verify_log(std::istream& log, const std::optional<events::ChainLink>& head);

}  // namespace sandbox_run::cli
