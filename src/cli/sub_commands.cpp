#include "cli/sub_commands.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/log_view.h"
#include "cli/state.h"
#include "cli/tell.h"
#include "events/event_file.h"
#include "events/event_log.h"
#include "plan/host_facts.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;
using base::printable;

const char* mark_of(workspace::ChangeKind kind) {
  switch (kind) {
    case workspace::ChangeKind::added:
      return "+";
    case workspace::ChangeKind::changed:
    case workspace::ChangeKind::replaced:
      return "~";
    case workspace::ChangeKind::removed:
      return "-";
  }
  return "?";
}

/// [RUN] [PATH…]. A run's id starts with the date, which a path seldom does; `log` and `review`
/// take nothing but a run.
struct Operands {
  std::string run_directory;
  std::vector<std::string> paths;
};

bool is_run(const std::string& word, const std::string& state) {
  return word == "last" || (word.find('/') == std::string::npos && !word.empty() &&
                            base::is_directory(join_path(join_path(state, "runs"), word)));
}

Operands read_operands(const Options& options, const std::string& state, RunKind kind) {
  std::vector<std::string> words = options.operands;
  const bool takes_paths = options.action == Action::commit || options.action == Action::discard;
  if (!takes_paths && words.size() > 1) {
    throw base::UserError("one run at a time: '" + printable(words[1]) + "' is too much");
  }
  std::string name;
  if (!words.empty() && (!takes_paths || is_run(words.front(), state))) {
    name = words.front();
    words.erase(words.begin());
  }
  return {find_run(state, name, kind), words};
}

std::string counted(std::size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

int review(const Operands& operands) {
  const std::vector<workspace::HeldChange> held = workspace::read_held(operands.run_directory);
  std::string text = "run " + base::file_name(operands.run_directory) + " holds " +
                     std::to_string(held.size()) + (held.size() == 1 ? " change" : " changes") +
                     ":\n";
  std::string target;
  for (const workspace::HeldChange& change : held) {
    if (change.target != target) {
      target = change.target;
      text += printable(target) + "\n";
    }
    text += std::string("  ") + mark_of(change.change.kind) + " " + printable(change.change.path) +
            (change.change.type == 'd' ? "/" : "") + "  " +
            (change.verdict == policy::Verdict::protect ? "protected: " : "") +
            printable(change.reason) + "\n";
  }
  text += "Take over: sandbox-run commit [PATH…]; throw away: sandbox-run discard [PATH…]\n";
  base::write_full(1, text, "printing");
  return kOk;
}

std::vector<workspace::Target> targets_of(const std::vector<workspace::HeldChange>& held) {
  std::vector<workspace::Target> targets;
  for (const workspace::HeldChange& change : held) {
    const bool known =
        std::any_of(targets.begin(), targets.end(),
                    [&](const workspace::Target& other) { return other.path == change.target; });
    if (!known) targets.push_back({change.target, policy::TargetKind::project, false});
  }
  return targets;
}

events::EventLog open_log(const std::string& run_directory) {
  std::vector<base::UniqueFd> sinks;
  sinks.push_back(events::open_event_file(join_path(run_directory, "events.jsonl")));
  return events::EventLog(base::file_name(run_directory), std::move(sinks));
}

}  // namespace

int run_sub_command(const Options& options) {
  const plan::HostFacts facts = plan::gather_facts({}, {"true"});
  const std::string state = state_directory(facts.state_home);
  if (options.action == Action::log) {
    const Operands operands = read_operands(options, state, RunKind::any);
    return print_log(join_path(operands.run_directory, "events.jsonl"), std::cout) ? kOk
                                                                                   : kSetupFailed;
  }
  const Operands operands = read_operands(options, state, RunKind::with_held_changes);
  if (options.action == Action::review) return review(operands);

  const std::vector<workspace::HeldChange> held = workspace::read_held(operands.run_directory);
  const std::vector<workspace::Target> targets = targets_of(held);
  const workspace::TargetLocks locks(state, targets);
  events::EventLog log = open_log(operands.run_directory);
  workspace::recover_interrupted(state, targets, log);
  if (options.action == Action::discard) {
    workspace::discard_held(operands.run_directory, operands.paths, log);
    const std::size_t left = base::exists(join_path(operands.run_directory, "held"))
                                 ? workspace::read_held(operands.run_directory).size()
                                 : 0;
    tell("sandbox-run: " + counted(held.size() - left, "held change", "held changes") +
         " discarded, " + std::to_string(left) + " left\n");
    return kOk;
  }
  const workspace::CommitSummary summary =
      workspace::commit_held(operands.run_directory, operands.paths, log);
  tell("sandbox-run: " + counted(summary.committed_entries, "entry", "entries") + " committed, " +
       counted(summary.held.size(), "held change", "held changes") + " left\n");
  return kOk;
}

}  // namespace sandbox_run::cli
