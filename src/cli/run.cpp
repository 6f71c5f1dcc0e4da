// sandbox-run COMMAND: what it guarantees.
//
// - Files: only the targets change, through an overlay; credentials are not there to be read.
// - Environment: an allowlist of names.
// - Network: no way out but the broker, to the registries.
// - Kernel: seven namespaces, no capability, no_new_privs, a system call allowlist, Landlock.
// - Transaction: what was expected is committed atomically, all processes dead; the rest waits.
// - Visibility: each act is an event with its actor.
// - Honesty: what can't be had is an error before anything runs.

#include "cli/run.h"

#include <algorithm>
#include <chrono>
#include <fstream>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/alerts.h"
#include "cli/asked_variables.h"
#include "cli/authors.h"
#include "cli/background.h"
#include "cli/behaviour.h"
#include "cli/change_actors.h"
#include "cli/command_code.h"
#include "cli/commands/undo.h"
#include "cli/companions.h"
#include "cli/exit_code.h"
#include "cli/hints.h"
#include "cli/large_trees.h"
#include "cli/lost_files_notes.h"
#include "cli/machine_memory.h"
#include "cli/made_targets.h"
#include "cli/plan_text.h"
#include "cli/prepare.h"
#include "cli/progress_line.h"
#include "cli/review/interactive.h"
#include "cli/review/suspects.h"
#include "cli/reviewer.h"
#include "cli/run_log.h"
#include "cli/state.h"
#include "cli/summary.h"
#include "cli/summary_facts.h"
#include "cli/supervise.h"
#include "cli/supervisor_files.h"
#include "cli/take_over.h"
#include "cli/tell.h"
#include "cli/trusted_programs.h"
#include "events/event_log.h"
#include "plan/neighbours.h"
#include "policy/hide.h"
#include "sandbox/launch.h"
#include "workspace/placement.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;
using base::printable;
using std::chrono::steady_clock;
constexpr std::chrono::minutes kPatience{10};  // with another run in the same place
constexpr const char* kHeldForAlert = "an alert was raised while the command ran";

/// One run of a command, from its preparation to its summary.
class CommandRun {
 public:
  CommandRun(const Options& options, const ClosedStreams& closed)
      : options_(options), closed_(closed) {}

  int run() {
    const int code = run_command();
    if (!reviewer_ || !holds_changes(run_directory_) || !can_ask()) return code;
    leave_screen_of_command();
    // The targets are free again: what is decided now takes them anew.
    const int reviewed = reviewer_->review();
    return reviewed == kOk ? code : reviewed;
  }

 private:
  int run_command() {
    const auto began = steady_clock::now();
    run_id_ = new_run_id();
    if (sandbox::ControlGroup::is_worth_asking_for()) scope_.emplace("sandbox-run-" + run_id_);
    prepared_ = prepare(options_, timings_);
    warn();
    state_ = state_directory(prepared_.facts.state_home);
    lock_.emplace(prepared_.facts.project, options_.lock);
    answer_ = answer_to_alerts(prepared_.policy);
    if (options_.lock == LockUse::frozen) answer_ = std::max(answer_, policy::OnAlert::fail);
    only_reads_ = policy::only_reads(prepared_.policy, prepared_.facts.command.arguments);
    const auto locks = make_room();
    record_started(*log_, plan_, describe_plan(prepared_));
    const auto prepared = steady_clock::now();
    timings_.end("log");
    const Outcome outcome = execute();
    const auto ended = steady_clock::now();
    timings_.add("sandbox", outcome.set_up);
    timings_.end("command");
    const TakenOver commit = commit_run(outcome);
    note_what_is_missed(outcome);
    timings_.end("commit");
    overhead_ = prepared - began + outcome.set_up + (steady_clock::now() - ended);
    const int code = finish(outcome, commit);
    clean_up_in_background(run_directory_, commit.summary, prepared_.policy.limits);
    return code;
  }

  void warn() const {
    if (options_.output != Output::words) return;
    for (const std::string& warning : prepared_.warnings) complain("note: " + warning);
  }

  /// What a run needs on disk. What is wrong here is the host's, not the command line's.
  workspace::TargetLocks make_room() {
    try {
      run_directory_ = make_run_directory(state_, run_id_);
      // Before there are locks, which it would hold, too.
      if (options_.changes == Changes::review && options_.output != Output::json)
        reviewer_.emplace(state_, run_directory_);
      in_use_.emplace(run_directory_);
      if (prepared_.has_new_large_trees) write_large_trees(state_, prepared_.facts.large_trees);
      timings_.end("run directory");
      log_ = open_run_log(run_directory_, prepared_.event_sinks);
      // `npm ls` beside an install neither waits nor is waited for.
      workspace::TargetLocks locks(
          state_, only_reads_ ? std::vector<workspace::Target>{} : prepared_.targets,
          {kPatience, [this](const std::string& words) {
             if (options_.output == Output::quiet) return;
             complain(words + "; waiting for it to end, 10 minutes at most");
           }});
      timings_.end("locks");
      if (locks.waited())
        prepared_ = prepare(options_, timings_);  // it may have changed what was looked at
      for (std::string& words : workspace::recover_interrupted(state_, prepared_.targets, *log_)) {
        prepared_.hints.push_back(std::move(words));
      }
      if (!only_reads_)
        forget_in_background(no_longer_undoable(state_, prepared_.targets), run_directory_);
      remove_old_runs(state_);  // now: the supervisor will not be able to
      made_targets_.make(prepared_.targets, prepared_.facts.cache_home);
      timings_.end("state");
      make_plan();
      timings_.end("plan");
      return locks;
    } catch (const base::UserError& error) {
      give_up();
      throw UnfitError(error.what());
    } catch (...) {
      give_up();
      throw;
    }
  }

  ProgressLine::Shown progress() const {
    return options_.output == Output::words ? ProgressLine::Shown::on_terminals
                                            : ProgressLine::Shown::never;
  }

  void make_plan() {
    const bool copies = workspace::copies_any(prepared_.targets);
    const ProgressLine line("copying what no overlay can lie above",
                            copies ? progress() : ProgressLine::Shown::never);
    layers_ = workspace::make_layers(run_directory_, prepared_.targets);
    const std::string empty = join_path(run_directory_, "empty");
    base::make_directories(empty, 0700);
    plan_ = plan::make_plan(prepared_.policy, prepared_.facts, plan_layers(layers_, empty),
                            plan::Purpose::run);
    plan_.supervisor = supervisor_files(prepared_.facts, state_, run_directory_, prepared_.targets,
                                        layers_, made_targets_.made());
    control_group_ = make_control_group(run_id_, plan_, scope_ ? &*scope_ : nullptr);
    scope_.reset();
  }

  Outcome execute() {
    SuperviseRequest request;
    request.plan = &plan_;
    request.network = prepared_.policy.network;
    request.proxies = prepared_.proxies;
    request.package_manager = prepared_.policy.package_manager;
    EventChain& chain = chain_.emplace(prepared_.facts, plan_, lock_->compared(), *log_);
    RefusalNotice refusals(chain.first());
    request.sink = &refusals;
    if (options_.output == Output::words) request.refusals = &refusals;
    request.deferred = &chain.deferred();
    request.decoys = &prepared_.facts.decoys;
    request.leaks = chain.leaks();
    if (answer_ == policy::OnAlert::kill) request.kill_on_alert = &chain.alerts();
    request.project = prepared_.facts.project;
    request.home = prepared_.facts.home;
    request.trusted_programs = trusted_programs(prepared_.policy, prepared_.facts);
    request.managers = prepared_.managers;
    request.manages = prepared_.manages;
    request.never_shadowed = prepared_.policy.never_shadowed;
    request.closed_streams = closed_;
    request.control_group = control_group_.get();
    try {
      Outcome outcome = supervise(request);
      peaks_ = outcome.peaks;
      control_group_.reset();
      alerts_in_run_ = chain.alerts().alerts();
      behaviour_ = chain.behaviour();
      return outcome;
    } catch (...) {
      give_up();
      throw;
    }
  }

  /// An error of ours ends the run: its log says so, or it would look interrupted.
  void give_up() {
    discard_layers();
    if (!log_) return;
    record_end(kSetupFailed, RunOutcome::failed, {});
    end_run_log(*log_, run_directory_, prepared_.hints);
  }

  void discard_layers() noexcept {
    try {
      workspace::discard_layers(run_directory_);
      base::remove_tree(join_path(run_directory_, "empty"));
    } catch (const std::exception&) {
      return;  // an empty layer more or less: the error on its way says what matters
    }
  }

  bool holds_all() const { return alerts_in_run_ > 0 && answer_ != policy::OnAlert::log; }

  bool keeps(const Outcome& outcome) const {
    if (only_reads_) return false;
    if (outcome.kind == Outcome::Kind::not_started || outcome.kind == Outcome::Kind::lost ||
        outcome.kind == Outcome::Kind::limit) {
      return false;
    }
    const bool has_exited = outcome.kind == Outcome::Kind::exited;
    return (has_exited && outcome.value == 0) || prepared_.policy.commit_on_failure ||
           makes_output(prepared_.policy.files, plan_.exec.arguments) ||
           (has_exited && says_it_is_done(prepared_.policy, layers_));
  }

  TakenOver commit_run(const Outcome& outcome) {
    if (outcome.kind == Outcome::Kind::not_started || outcome.kind == Outcome::Kind::lost) {
      discard_layers();
      return {};
    }
    workspace::CommitRequest request;
    request.run_directory = run_directory_;
    request.layers = layers_;
    request.policy = &prepared_.policy.files;
    request.arguments = plan_.exec.arguments;
    if (!outcome.watch.nested.empty()) {
      request.nested = judged_commands(policy::ProfileSet::built_in(), outcome.watch.nested);
    }
    keeps_ = keeps(outcome);
    request.commit = keeps_;
    request.only_package_manager_ran = outcome.watch.only_package_manager_ran;
    request.is_release = plan::makes_release(prepared_.policy, prepared_.facts);
    request.no_package_ran = prepared_.policy.package_manager == policy::PackageManager::none &&
                             outcome.watch.scripts == 0 && outcome.watch.nested.empty();
    Authors authors(run_directory_);
    authors.answer(request);
    request.linked_programs = prepared_.facts.linked.programs;
    request.new_places = prepared_.facts.new_places.made;
    request.known = known_places(prepared_, layers_, request.only_package_manager_ran);
    request.old_entries = workspace::OldEntries::keep;
    if (holds_all()) request.commit = true;  // judged, also if the command failed
    const auto began = steady_clock::now();
    const ProgressLine line("committing changes", progress());
    ChangeActors sink(chain_->first(), run_directory_);
    TakenOver taken = take_over(options_.changes, request, holds_all() ? kHeldForAlert : "", sink);
    commit_time_ = steady_clock::now() - began;
    return taken;
  }

  /// What was written to the false home, and, if the command failed, variables that it asked for.
  void note_what_is_missed(const Outcome& outcome) {
    const auto add = [&](std::vector<std::string> notes) {
      std::move(notes.begin(), notes.end(), std::back_inserter(prepared_.hints));
    };
    if (outcome.home) {
      add(record_lost_files(
          find_lost_files(outcome.home.get(), plan_.home, plan_, prepared_.policy.files.disposable),
          plan_, run_directory_, chain_->first()));
    }
    const bool has_failed = command_code(outcome) != kOk;
    auto beside =
        plan::note_of_neighbours(prepared_.facts, prepared_.policy.package_manager, has_failed);
    if (!beside.empty()) add({std::move(beside)});
    if (!has_failed) return;
    if (auto note = note_of_unseen(prepared_.facts)) add({std::move(*note)});
    add(notes_of_wanted(prepared_));
    if (!plan_.withheld_environment.empty()) {
      std::ifstream log = read_run_log(run_directory_);
      add(withheld_notes(prepared_.facts, prepared_.policy.environment, plan_,
                         Suspects(log).packages()));
    }
  }

  int finish(const Outcome& outcome, const TakenOver& commit) {
    const int command = command_code(outcome);
    int code = command;
    log_->record_left_out();
    if (const std::uint64_t left_out = log_->left_out(); left_out > 0) {
      prepared_.hints.push_back("events beyond the bounds of the log, left out of it: " +
                                std::to_string(left_out));
    }
    const std::uint64_t alerts = log_->count(events::Severity::alert);
    if (code == kOk && alerts > 0 && answer_ >= policy::OnAlert::fail) code = kAlert;
    if (!commit.failure.empty()) code = kSetupFailed;
    if (!use_lock(command == kOk && commit.failure.empty())) code = kSetupFailed;
    record_end(code, outcome_of(options_.changes, only_reads_ || keeps_ || holds_all(), commit),
               commit);
    end_run_log(*log_, run_directory_, prepared_.hints);
    if (outcome.kind == Outcome::Kind::not_started) {
      complain(explain(*outcome.failure));
      return code;
    }
    if (outcome.kind == Outcome::Kind::lost) {
      complain(
          "a process of the sandbox's own was killed, so nothing is known of the command's end: "
          "nothing was "
          "committed (was memory short? see the kernel's log)");
      return code;
    }
    print_summary(outcome, commit, command, code);
    if (!commit.failure.empty()) {
      complain("committing the changes: " + printable(commit.failure) +
               (commit.is_open ? "; some may be in the project already; fix this and run again, "
                                 "which finishes the commit or undoes it first"
                               : "; the project is as it was; fix this and run again"));
    }
    return code;
  }

  /// False: what was to be learned could not be.
  bool use_lock(bool went_well) {
    const bool alert = answer_ != policy::OnAlert::log && log_->count(events::Severity::alert) > 0;
    RunLock::Learned learned = lock_->end(run_directory_, behaviour_,
                                          alert       ? RunLock::RunEnd::alert
                                          : went_well ? RunLock::RunEnd::well
                                                      : RunLock::RunEnd::failed);
    std::move(learned.notes.begin(), learned.notes.end(), std::back_inserter(prepared_.hints));
    return !learned.failed;
  }

  void record_end(int code, RunOutcome outcome, const TakenOver& commit) {
    record_finished(*log_, {code, to_word(outcome), commit.summary.committed_entries, overhead_,
                            commit_time_, timings_.to_json(), to_json(peaks_)});
  }

  void print_summary(const Outcome& outcome, const TakenOver& commit, int command, int code) {
    SummaryFacts facts;
    facts.run_id = run_id_;
    facts.exit_code = code;
    facts.command_exit_code = command;
    facts.committed = commit.failure.empty() && !holds_all() && (only_reads_ || keeps_);
    facts.held_for_alert = holds_all();
    facts.overhead = overhead_;
    facts.log_path = log_path(run_directory_);
    add_options(options_, facts);
    add_preparation(prepared_, plan_, facts);
    add_outcome(outcome, commit, facts);
    add_log(*log_, facts);
    facts.fails_by_ci = !prepared_.policy.on_alert && options_.lock != LockUse::frozen;
    tell_summary(facts, options_.output);
  }

  const Options& options_;
  const ClosedStreams& closed_;
  Timings timings_;
  steady_clock::duration overhead_{};
  steady_clock::duration commit_time_{};  // a part of it
  Preparation prepared_;
  policy::OnAlert answer_ = policy::OnAlert::hold;
  std::optional<RunLock> lock_;
  bool only_reads_ = false;
  bool keeps_ = false;               // what the command changed
  policy::BehaviourLock behaviour_;  // what packages' scripts did
  std::uint64_t alerts_in_run_ = 0;
  std::string state_, run_id_, run_directory_;
  std::optional<RunInUse> in_use_;
  std::optional<Reviewer> reviewer_;
  std::unique_ptr<events::EventLog> log_;
  std::optional<EventChain> chain_;  // to the log, from when the command is started
  MadeTargets made_targets_;
  std::vector<workspace::LayerDirectory> layers_;
  std::optional<sandbox::ScopeRequest> scope_;
  std::unique_ptr<sandbox::ControlGroup> control_group_;
  LimitWatch::Peaks peaks_;
  plan::Plan plan_;
};

}  // namespace

int run(const Options& options, const ClosedStreams& closed) {
  return CommandRun(options, closed).run();
}

}  // namespace sandbox_run::cli
