// The few lines at the end of a run.

#include "cli/summary.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/alert_words.h"
#include "cli/exit_code.h"
#include "cli/summary_acts.h"

namespace sandbox_run::cli {
namespace {

using base::printable;
using Tone = Paragraph::Tone;

constexpr std::size_t kMaxOthers = 5;  // acts that are no alert
constexpr std::size_t kRootsNamed = 3;
constexpr int kLastSignal = 64;
constexpr const char* kLead = "sandbox-run: ";

std::string committed_to(const std::vector<std::string>& roots, const std::string& home) {
  std::vector<std::string> named;
  for (const std::string& root : roots) {
    if (named.size() == kRootsNamed) break;
    const bool at_home = root != home && base::is_beneath(root, home);
    named.push_back(in_one_piece(at_home ? "~/" + base::typable(base::relative_to(root, home))
                                         : base::typable(root)));
  }
  if (named.empty()) return "";
  std::string text = " to " + base::join(named, ", ");
  if (roots.size() > named.size())
    text += base::format(" and {} more", roots.size() - named.size());
  return text;
}

/// What became of the changes.
std::string outcome_words(const SummaryFacts& facts) {
  const workspace::CommitSummary& commit = facts.commit;
  if (facts.changes == Changes::discard) {
    return facts.discarded == 0 ? "no changes"
                                : counted(facts.discarded, "change", "changes") + " discarded";
  }
  if (!facts.committed) return "nothing committed";
  if (commit.committed_entries > 0) {
    return counted(commit.committed_entries, "change", "changes") + " committed" +
           committed_to(commit.committed_roots, facts.home);
  }
  if (commit.held.empty()) return "no changes";
  return facts.changes == Changes::review ? "nothing committed yet" : "nothing committed";
}

/// "1 alert, 2 hosts blocked, 3 changes held"; "" if there is nothing to look at.
std::string look_words(const SummaryFacts& facts) {
  std::vector<std::string> parts;
  const auto add = [&](std::uint64_t count, std::string_view one, std::string_view many) {
    if (count > 0) parts.push_back(counted(count, one, many));
  };
  add(alert_count(facts), "alert", "alerts");
  add(facts.network.hosts_denied.size(), "host blocked", "hosts blocked");
  add(facts.commit.held.size(), "change held", "changes held");
  return base::join(parts, ", ");
}

/// What only a run without incident has room for.
std::string besides(const SummaryFacts& facts) {
  std::string words;
  if (facts.watch.scripts > 0)
    words += ", " + counted(facts.watch.scripts, "script", "scripts") + " ran";
  if (facts.commit.stripped > 0) {
    words += ", " + counted(facts.commit.stripped, "file or mode", "files or modes") + " left out";
  }
  return words;
}

/// "" if the command ended well.
std::string failure_words(const SummaryFacts& facts) {
  const int code = facts.command_exit_code;
  if (code == 0) return "";
  if (code > kSignalBase && code <= kSignalBase + kLastSignal) {
    return base::format("the command was ended by signal {}, ", code - kSignalBase);
  }
  return base::format("the command failed with exit code {}, ", code);
}

/// The verdict, and why.
Paragraph sentence(const SummaryFacts& facts) {
  const std::string look = look_words(facts);
  const std::string outcome = outcome_words(facts);
  if (facts.time_limit) {
    return {"stopped", Tone::alert,
            "the time limit was reached; " + outcome + (look.empty() ? "" : ", " + look)};
  }
  if (!facts.limit.empty()) {
    return {"stopped", Tone::alert,
            facts.limit + "; " + outcome + (look.empty() ? "" : ", " + look)};
  }
  if (facts.held_for_alert || facts.exit_code == kAlert) {
    return {"stopped", Tone::alert, look + "; " + outcome};
  }
  const std::string failure = failure_words(facts);
  if (!look.empty()) return {"needs a look", Tone::warning, look + "; " + failure + outcome};
  if (!failure.empty()) return {"failed", Tone::warning, failure + outcome};
  return {"clean", Tone::plain, outcome + besides(facts)};
}

/// "~/.local/state/…/events.jsonl", or, where that is too long for a line, what shows it.
Paragraph log_line(const SummaryFacts& facts, const Layout& layout) {
  const bool at_home = !facts.home.empty() && base::is_beneath(facts.log_path, facts.home);
  const std::string path =
      printable(at_home ? "~/" + base::relative_to(facts.log_path, facts.home) : facts.log_path);
  constexpr std::size_t kLabelWidth = 7;  // "  log: "
  const bool fits = kLabelWidth + columns(path) <= layout.width;
  return {"log", Tone::faint, fits ? in_one_piece(path) : "sandbox-run log " + facts.run_id};
}

/// A command that failed kept nothing, which may not be what was meant.
std::vector<Paragraph> after_failure(const SummaryFacts& facts) {
  const bool failed = facts.command_exit_code != 0 || facts.time_limit;
  if (!failed || facts.committed || facts.held_for_alert || facts.changes != Changes::by_profile) {
    return {};
  }
  return {{"note", Tone::plain, "--commit-on-failure keeps what a failing command changed"}};
}

std::vector<Paragraph> bounded(std::vector<Paragraph> acts, std::size_t held) {
  if (acts.size() <= kMaxOthers + 1) return acts;
  const std::size_t left_out = acts.size() - kMaxOthers;
  acts.resize(kMaxOthers);
  acts.push_back({"",
                  Tone::plain,
                  base::format("… and {} more", left_out),
                  {"sandbox-run", left_out <= held ? "review" : "log"}});
  return acts;
}

std::string all_laid_out(const std::vector<Paragraph>& paragraphs, const Layout& layout) {
  std::string text;
  for (const Paragraph& paragraph : paragraphs) text += laid_out(paragraph, layout);
  return text;
}

std::string verdict_and_alerts(const SummaryFacts& facts, const Layout& layout) {
  std::string text =
      headline(kLead, sentence(facts), layout) + all_laid_out(alert_acts(facts), layout);
  if (facts.exit_code != kAlert) return text;
  return text +
         all_laid_out(alert_exit_acts(facts.alerts, facts.profile, facts.fails_by_ci), layout);
}

}  // namespace

std::uint64_t alert_count(const SummaryFacts& facts) {
  return std::max<std::uint64_t>(facts.alert_count, facts.alerts.size());
}

std::string alerts_text(const SummaryFacts& facts, const Layout& layout) {
  return alert_count(facts) == 0 ? "" : verdict_and_alerts(facts, layout);
}

std::string summary_text(const SummaryFacts& facts, const Layout& layout) {
  std::string text = verdict_and_alerts(facts, layout);
  text += all_laid_out(bounded(other_acts(facts), facts.commit.held.size()), layout);
  text += all_laid_out(after_failure(facts), layout);
  for (const std::string& hint : facts.hints) {
    text += laid_out(note_paragraph(printable(hint)), layout);
  }
  if (facts.log_path.empty()) return text;
  return text + laid_out(log_line(facts, layout), layout);
}

}  // namespace sandbox_run::cli
