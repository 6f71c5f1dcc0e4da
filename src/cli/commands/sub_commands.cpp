#include "cli/commands/sub_commands.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/behaviour.h"
#include "cli/commands/prune.h"
#include "cli/commands/settle.h"
#include "cli/commands/undo.h"
#include "cli/commands/wary.h"
#include "cli/exit_code.h"
#include "cli/log/log_command.h"
#include "cli/progress_line.h"
#include "cli/review/interactive.h"
#include "cli/review/report.h"
#include "cli/runs_view.h"
#include "cli/state.h"
#include "cli/tell.h"
#include "plan/host_facts.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;
using base::printable;

/// [RUN] [PATH…]. The first word is a run if there is one of that name ("./last" is a path).
struct Operands {
  std::string run_directory;
  std::vector<std::string> paths;  // full
};

bool is_run(const std::string& word, const std::string& state) {
  return word == "last" || (word.find('/') == std::string::npos && start_of(word) &&
                            base::is_directory(join_path(join_path(state, "runs"), word)));
}

/// Looks like a run's id, but there is none: no path was meant.
void refuse_unknown_run(const std::string& word, const std::string& state) {
  if (start_of(word) && !is_run(word, state)) {
    throw base::UserError("there is no run '" + printable(word) + "'; see sandbox-run runs");
  }
}

Operands read_operands(const Options& options, const std::string& state, const std::string& here) {
  std::vector<std::string> words = options.operands;
  std::string name;
  if (!words.empty()) {
    refuse_unknown_run(words.front(), state);
    if (is_run(words.front(), state)) {
      name = words.front();
      words.erase(words.begin());
    }
  }
  Operands operands{find_run(state, name, RunKind::with_held_changes, here), {}};
  const std::vector<workspace::HeldChange> held = workspace::read_held(operands.run_directory);
  if (held.empty() && !words.empty()) {
    throw base::UserError("nothing is held of run " + base::file_name(operands.run_directory));
  }
  operands.paths = resolve_operands(held, words);
  return operands;
}

int review(const Options& options, const std::string& state, const Operands& operands) {
  if (options.review == ReviewMode::interactive) {
    if (!can_ask()) {
      throw base::UserError(
          "review --interactive needs a terminal; without one: sandbox-run review, then "
          "sandbox-run commit or discard with paths");
    }
    return review_interactively(state, operands.run_directory, operands.paths);
  }
  const RunInUse in_use(operands.run_directory);
  ReviewSource source(operands.run_directory);
  base::write_full(1,
                   options.output == Output::json
                       ? review_json(source, operands.paths)
                       : review_text(source, operands.paths, Style::for_stream(1)),
                   "printing");
  return kOk;
}

int prune(const Options& options, const std::string& state) {
  const std::string text = [&] {
    const ProgressLine line("removing old runs", ProgressLine::Shown::on_terminals);
    return prune_runs(state, options.prune);
  }();
  base::write_full(1, text, "printing");
  return kOk;
}

/// `commit` without a path.
Settled settle_unnamed(const std::string& state, const std::string& run_directory) {
  Unnamed chosen = choose_unnamed(run_directory);
  Settled settled;
  if (chosen.all) return settle(state, run_directory, Settlement::commit, {});
  if (chosen.paths.empty()) {
    settled.left = chosen.left.size();
  } else {
    settled = settle(state, run_directory, Settlement::commit, chosen.paths);
  }
  settled.unnamed = std::move(chosen.left);
  return settled;
}

int settle_operands(const Options& options, const std::string& state, const Operands& operands) {
  const Settlement settlement =
      options.action == Action::commit ? Settlement::commit : Settlement::discard;
  const Settled settled = [&] {
    const ProgressLine line("going through what is held", ProgressLine::Shown::on_terminals);
    const bool wary = settlement == Settlement::commit && operands.paths.empty() &&
                      options.confirmation == Confirmation::none;
    if (!wary) return settle(state, operands.run_directory, settlement, operands.paths);
    return settle_unnamed(state, operands.run_directory);
  }();
  tell(settled_text(settled, settlement, base::file_name(operands.run_directory)));
  return settled.refused.empty() ? kOk : kSetupFailed;
}

int list_runs(const Options& options, const std::string& state) {
  std::vector<RunFacts> runs;
  for (const std::string& id : run_ids(state)) {
    runs.push_back(gather_run(join_path(join_path(state, "runs"), id)));
  }
  base::write_full(1,
                   options.output == Output::json
                       ? runs_json(runs)
                       : runs_text(runs, std::chrono::system_clock::now()),
                   "printing");
  return kOk;
}

int undo(const Options& options, const std::string& state, const std::string& here) {
  if (options.operands.size() > 1) {
    throw base::UserError("undo takes one run: '" + printable(options.operands[1]) +
                          "' is too much");
  }
  const std::string name = options.operands.empty() ? "" : options.operands.front();
  const std::string text = [&] {
    const ProgressLine line("undoing", ProgressLine::Shown::on_terminals);
    return undo_run(state, find_run(state, name, RunKind::undoable, here));
  }();
  tell(text);
  return kOk;
}

void refuse_operands(const Options& options, const char* command) {
  if (options.operands.empty()) return;
  throw base::UserError(std::string(command) + " takes no operand: '" +
                        printable(options.operands.front()) + "'");
}

}  // namespace

int run_sub_command(const Options& options) {
  const plan::HostFacts facts = plan::look_at_caller({"true"});
  const std::string state = state_directory(facts.state_home);
  const std::string here =
      base::real_path(facts.working_directory).value_or(facts.working_directory);
  switch (options.action) {
    case Action::runs:
      refuse_operands(options, "runs");
      return list_runs(options, state);
    case Action::prune:
      refuse_operands(options, "prune");
      return prune(options, state);
    case Action::undo:
      return undo(options, state, here);
    case Action::log:
      return log_command(options, [&](const std::string& name) {
        return find_run(state, name, RunKind::any, here);
      });
    case Action::explain:
      return explain_command(options, [&](const std::string& name) {
        return find_run(state, name, RunKind::any, here);
      });
    case Action::lock:
      return lock_command(options, state, here);
    case Action::review:
      return review(options, state, read_operands(options, state, here));
    default:
      return settle_operands(options, state, read_operands(options, state, here));
  }
}

}  // namespace sandbox_run::cli
