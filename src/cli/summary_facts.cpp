#include "cli/summary_facts.h"

#include "base/format.h"
#include "cli/git_hooks.h"
#include "cli/tell.h"

namespace sandbox_run::cli {
namespace {

void add_limit(const LimitWatch::Passed& passed, SummaryFacts& facts) {
  constexpr std::uint64_t kKeyUnit = 1U << 20;  // as the keys are meant
  const char* key = "";
  switch (passed.limit) {
    case policy::Limit::none:
      return;
    case policy::Limit::processes:
      facts.limit = base::format("more than {} processes at once", passed.value);
      key = "processes";
      break;
    case policy::Limit::threads:
      facts.limit = base::format("more than {} threads at once", passed.value);
      key = "processes";
      break;
    case policy::Limit::open_files:
      facts.limit = base::format("more than {} open files", passed.value);
      key = "open_files";
      break;
    case policy::Limit::free_memory:
      facts.limit = base::format("less than {} MiB of memory left free", passed.value / kKeyUnit);
      key = "free_memory_mb";
      break;
    case policy::Limit::memory:
      facts.limit = base::format("more than {} MiB of memory", passed.value / kKeyUnit);
      key = "memory_mb";
      break;
    case policy::Limit::disk:
      facts.limit = base::format("less than {} MiB of disk left free", passed.value / kKeyUnit);
      key = "free_disk_mb";
      break;
    case policy::Limit::files:
      facts.limit = base::format("room for less than {} more files on the disk", passed.value);
      key = "free_files";
      break;
    case policy::Limit::file:
      facts.limit = base::format("a file of more than {} MiB", passed.value / kKeyUnit);
      key = "file_mb";
      break;
    case policy::Limit::changes:
      facts.limit = base::format("changes of more than {} MiB", passed.value / kKeyUnit);
      key = "changes_mb";
      break;
    case policy::Limit::changed_files:
      facts.limit = base::format("more than {} files changed", passed.value);
      key = "changed_files";
      break;
    case policy::Limit::time:
      facts.limit = base::format("more than {} seconds", passed.value);
      key = "time_s";
      break;
  }
  facts.hints.push_back(base::format("if it needs that: [limits] {} = N in config.toml", key));
}

}  // namespace

void add_options(const Options& options, SummaryFacts& facts) {
  facts.options = options.own_words;
  facts.changes = options.changes;
}

void add_preparation(const Preparation& prepared, const plan::Plan& plan, SummaryFacts& facts) {
  facts.profile = plan.profile;
  facts.command = plan.exec.arguments;
  facts.home = prepared.facts.home;
  for (const policy::EgressRule& rule : prepared.policy.network.allow) {
    if (rule.origin != policy::EgressRule::Origin::registry) continue;
    facts.registry_hosts.push_back(rule.host.text());
  }
  facts.withheld_environment = plan.withheld_environment.size();
  facts.warnings = prepared.warnings;
  facts.hints.insert(facts.hints.end(), prepared.hints.begin(), prepared.hints.end());
  facts.hints.insert(facts.hints.end(), plan.notes.begin(), plan.notes.end());
}

void add_outcome(const Outcome& outcome, const TakenOver& commit, SummaryFacts& facts) {
  facts.time_limit = outcome.kind == Outcome::Kind::time_limit;
  if (facts.time_limit) {
    facts.hints.push_back(
        "if it needs longer: --timeout TIME, or [limits] time_s = N in config.toml");
  }
  if (outcome.limit) add_limit(*outcome.limit, facts);
  facts.commit = commit.summary;
  facts.discarded = commit.discarded;
  facts.watch = outcome.watch;
  facts.network = outcome.network;
  if (std::string hint = git_hooks_hint(commit.summary.held); !hint.empty()) {
    facts.hints.push_back(std::move(hint));
  }
}

void add_log(const events::EventLog& log, SummaryFacts& facts) {
  facts.alerts = log.alerts();
  facts.alert_count = log.count(events::Severity::alert);
  facts.log_sha256 = log.head().sha256;
}

void tell_summary(const SummaryFacts& facts, Output output) {
  if (output == Output::json) return tell(summary_json(facts));
  const Layout layout = Layout::for_standard_error();
  const std::string text =
      output == Output::quiet ? alerts_text(facts, layout) : summary_text(facts, layout);
  if (text.empty()) return;
  leave_screen_of_command();
  tell(text);
}

}  // namespace sandbox_run::cli
