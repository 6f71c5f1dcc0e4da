#include "cli/log/verify.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/log/log_reader.h"
#include "cli/review/style.h"

namespace sandbox_run::cli {
namespace {

/// What is kept beside the log is of one run: the only one in its file.
bool holds_head(const events::ChainCheck& check) {
  return std::any_of(check.runs().begin(), check.runs().end(),
                     [](const auto& run) { return run.second.holds_expected; });
}

std::string unfinished_run(const events::ChainCheck& check) {
  for (const auto& [name, run] : check.runs()) {
    if (!run.finished) return name;
  }
  return "";
}

}  // namespace

Verification verify_log(std::istream& log, const std::optional<events::ChainLink>& head) {
  using events::ChainCheck;
  ChainCheck check(head);
  for (LogLine line; read_log_line(log, line);) {
    const bool at_end = log.eof();
    check.add(line.text, at_end ? ChainCheck::LineEnd::end_of_file : ChainCheck::LineEnd::newline);
  }
  if (const auto& problem = check.problem()) {
    return {base::format("CHANGED: the chain of digests breaks at line {}: {}", problem->line,
                         base::printable(problem->words)),
            kChanged};
  }
  if (head && !holds_head(check)) {
    return {base::format("CHANGED: the end is missing: the last event was number {}, by the digest "
                         "that is kept beside the log",
                         head->sequence),
            kChanged};
  }
  const std::string lines = counted(check.lines(), "line", "lines");
  const std::string unfinished = unfinished_run(check);
  if (!unfinished.empty() || check.runs().empty()) {
    return {
        base::format("{}, each one follows from the one before it, but run.finished is missing: "
                     "the run goes on, was killed{}, or the end was cut off",
                     lines, check.torn() ? " (the last line is torn)" : ""),
        kNoEnd};
  }
  return {lines + ", whole: each one follows from the one before it", kOk};
}

}  // namespace sandbox_run::cli
