// One sandbox from launch to its last process' end: the event loop and who is called from it.

#include "cli/supervise.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/deferred_close.h"
#include "base/program_text.h"
#include "base/scope_exit.h"
#include "base/sys_error.h"
#include "cli/run_log.h"
#include "cli/stream_relay.h"
#include "cli/supervised_parts.h"
#include "cli/tell.h"
#include "cli/terminal.h"
#include "cli/terminal_janitor.h"
#include "plan/plan.h"
#include "sandbox/launch.h"
#include "sandbox/supervisor_confinement.h"
#include "watch/decoy_watch.h"
#include "watch/process_description.h"
#include "watch/process_files.h"

namespace sandbox_run::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLongestWait{1};    // of an event of severity info
constexpr std::chrono::milliseconds kLastMoments{500};  // of what is being killed
constexpr std::chrono::seconds kBeforeRefusalIsSaid{1};
constexpr std::chrono::milliseconds kBeforeWaiting{
    500};  // a command that takes longer is waited for
constexpr std::chrono::milliseconds kBetweenLooks{500};  // at what the run uses
constexpr std::chrono::seconds kGrace{5};  // between SIGTERM and SIGKILL at the time limit

class Supervision {
 public:
  Supervision(const SuperviseRequest& request, sandbox::RunningSandbox& sandbox)
      : request_(request),
        sandbox_(sandbox),
        broker_(loop_, request.network, listening_sockets(std::move(sandbox.sockets)),
                *request.sink, callers_, broker::Limits{}, request.proxies, request.leaks),
        watch_(std::move(sandbox.exec_listener), request.package_manager, *request.sink, callers_,
               {request.project, request.home, overlay_places(*request.plan), request.managers,
                request.manages, request.never_shadowed},
               request.trusted_programs, sandbox.init_pid()),
        decoys_(watch_decoys(request, sandbox, watch_)),
        limits_(request.plan->limits, {sandbox.keeper_pid(), sandbox.init_pid()},
                layers_of(*request.plan), sandbox.memory_places, request.control_group),
        terminal_(sandbox, request.plan->time_limit ? TerminalControl::WithoutTerminal::go_on
                                                    : TerminalControl::WithoutTerminal::stop) {}

  ~Supervision() {
    if (request_.kill_on_alert != nullptr) request_.kill_on_alert->on_alert = {};
    if (request_.deferred != nullptr) request_.deferred->defer({});
    if (request_.refusals != nullptr) request_.refusals->on_refusal = {};
  }
  Supervision(const Supervision&) = delete;
  Supervision& operator=(const Supervision&) = delete;

  broker::EventLoop& loop() { return loop_; }

  Outcome run(steady_clock::time_point begin) {
    begin_ = begin;
    if (sandbox_.kernel_objects_unlimited) {
      record_missing(*request_.sink, "bound of message queues and semaphores",
                     "this host lets its own root alone set it");
    }
    watch_sandbox();
    if (decoys_) watch_decoy_files();
    if (request_.kill_on_alert != nullptr) {
      request_.kill_on_alert->on_alert = [this] { on_alert(); };
    }
    if (request_.refusals != nullptr) {
      request_.refusals->on_refusal = [this] {
        loop_.after(kBeforeRefusalIsSaid, [notice = request_.refusals] {
          for (const std::string& line : notice->take_lines()) complain(line);
        });
      };
    }
    if (request_.capture == nullptr) {
      loop_.on_signals(
          {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT},
          [this](int signal) { terminal_.forward(signal); });
    }
    if (request_.deferred != nullptr) {
      request_.deferred->defer([this] {
        loop_.after(kLongestWait, [deferred = request_.deferred] { deferred->flush(); });
      });
    }
    if (const auto limit = request_.plan->time_limit) {
      loop_.after(*limit, [this] { on_time_limit(); });
    }
    watch_limits();
    loop_.after(kBeforeWaiting, [] { base::let_go_of_program_text(); });
    loop_.run();
    sandbox_.end();
    broker_.shut_down();
    watch_.finish();
    note_limit_of_kernel();
    outcome_.peaks = limits_.peaks();
    outcome_.watch = watch_.totals();
    outcome_.network = broker_.totals();
    outcome_.home = std::move(sandbox_.home);
    return std::move(outcome_);
  }

 private:
  void watch_sandbox() {
    loop_.on_readable(watch_.fd(), [this] {
      if (decoys_) decoys_->renew();
      return watch_.on_readable();
    });
    loop_.on_readable(watch_.script_fd(), [this] { return watch_.on_script_end(); });
    loop_.on_readable(sandbox_.status_fd(), [this] {
      outcome_.set_up = steady_clock::now() - begin_;
      if (auto failure = sandbox_.take_failure()) {
        outcome_.kind = Outcome::Kind::not_started;
        outcome_.failure = failure;
      }
      return false;
    });
    loop_.on_readable(sandbox_.control_fd(), [this] {
      while (const auto report = sandbox_.next_report()) on_report(*report);
      if (!sandbox_.reports_ended()) return true;
      finish_off();  // the command has ended: so does what it left running
      return false;
    });
    loop_.on_readable(sandbox_.pidfd(), [this] {
      while (const auto report = sandbox_.next_report()) on_report(*report);
      loop_.stop();
      return false;
    });
  }

  void watch_decoy_files() {
    loop_.on_readable(decoys_->lease_fd(), [this] { return decoys_->on_lease(); });
    if (decoys_->change_fd() >= 0) {
      late_.emplace(decoys_->change_fd());
      loop_.on_readable(decoys_->change_fd(), [this] { return decoys_->on_change(); });
    }
  }

  /// When this returns, nothing inside goes on: not even who waits to be let into a decoy.
  void on_alert() {
    request_.kill_on_alert->on_alert = {};
    if (!ended_) outcome_.kind = Outcome::Kind::alert;
    ended_ = true;
    sandbox_.end();
    loop_.stop();
  }

  void on_report(const sandbox::SandboxeeReport& report) {
    switch (report.kind) {
      case sandbox::SandboxeeReport::Kind::stopped:
        if (request_.capture == nullptr) terminal_.on_stopped(report.value);
        break;
      case sandbox::SandboxeeReport::Kind::exited:
        end_as(Outcome::Kind::exited, report.value);
        break;
      case sandbox::SandboxeeReport::Kind::killed:
        if (report.value == SIGKILL && init_is_ending()) break;  // it died of that: lost
        end_as(Outcome::Kind::killed, report.value);
        break;
    }
  }

  bool init_is_ending() const {
    const auto init = watch::read_process_status(sandbox_.init_pid());
    return !init || init->ended;
  }

  void end_as(Outcome::Kind kind, int value) {
    ended_ = true;  // by its own report: what is only dead stays "lost"
    if (outcome_.kind == Outcome::Kind::not_started || outcome_.kind == Outcome::Kind::time_limit ||
        outcome_.kind == Outcome::Kind::limit || outcome_.kind == Outcome::Kind::alert) {
      return;
    }
    outcome_.kind = kind;
    outcome_.value = value;
  }

  void watch_limits() {
    loop_.after(kBetweenLooks, [this] {
      if (ended_) return;
      if (auto passed = limits_.look()) return on_limit(*passed);
      watch_limits();
    });
  }

  /// It may have ended all at once, or the one whose end was the command's.
  void note_limit_of_kernel() {
    const bool failed = outcome_.kind == Outcome::Kind::lost ||
                        outcome_.kind == Outcome::Kind::killed ||
                        (outcome_.kind == Outcome::Kind::exited && outcome_.value != 0);
    if (!failed) return;
    if (auto passed = limits_.last_look()) on_limit(*passed);
    // 128 and the signal is what shells and make end with, if what they started was ended by it.
    constexpr int kSignalBase = 128;
    const bool was_ended = outcome_.kind == Outcome::Kind::killed && outcome_.value == SIGXFSZ;
    const bool has_told =
        outcome_.kind == Outcome::Kind::exited && outcome_.value == kSignalBase + SIGXFSZ;
    if (!was_ended && !has_told) return;
    LimitWatch::Passed passed = limits_.passed(policy::Limit::file);
    passed.process = 0;  // nobody is left to be blamed
    on_limit(passed);
  }

  void on_limit(const LimitWatch::Passed& passed) {
    const events::Event event = limit_event(passed);
    // First, for each moment makes it worse.
    ended_ = true;
    outcome_.kind = Outcome::Kind::limit;
    outcome_.limit = passed;
    sandbox_.end();
    request_.sink->record(event);
    loop_.stop();
  }

  events::Event limit_event(const LimitWatch::Passed& passed) {
    events::Event event{"limit.reached", events::Severity::notice};
    if (passed.process != 0) {
      event.actor = watch_.actor_of(passed.process);
      event.process = watch::describe_process(passed.process);
      const auto kind = event.actor->kind;
      const bool is_packages =
          kind == events::Actor::Kind::script || kind == events::Actor::Kind::build;
      if (is_packages) event.severity = events::Severity::alert;
    }
    event.details = {
        {"limit", policy::words_of(passed.limit)}, {"value", passed.value}, {"used", passed.used}};
    return event;
  }

  void on_time_limit() {
    if (ended_) return;
    outcome_.kind = Outcome::Kind::time_limit;
    if (request_.plan->limits.time_s > 0) {
      events::Event event = limit_event(limits_.passed(policy::Limit::time));
      event.severity = events::Severity::notice;  // to be slow is no attack
      request_.sink->record(event);
    }
    sandbox_.signal_group(SIGTERM);
    sandbox_.signal_group(SIGCONT);  // a stopped one must wake up to end
    loop_.after(kGrace, [this] { finish_off(); });
  }

  /// The loop ends with init. If somebody has stopped or killed the keeper, it needs more than
  /// that.
  void finish_off() {
    sandbox_.kill_all();
    loop_.after(kLastMoments, [this] {
      sandbox_.end();
      loop_.stop();
    });
  }

  const SuperviseRequest& request_;
  sandbox::RunningSandbox& sandbox_;
  std::optional<base::DeferredClose> late_;  // before the loop, which has descriptors of its own
  broker::EventLoop loop_;
  events::CallerTable callers_;
  broker::Broker broker_;
  watch::ExecWatch watch_;
  std::unique_ptr<watch::DecoyWatch> decoys_;
  LimitWatch limits_;
  TerminalControl terminal_;
  steady_clock::time_point begin_;
  Outcome outcome_;
  bool ended_ = false;
};

/// A closed pipe must not end the supervisor. After launch only: an ignored signal stays ignored
/// across execve, and the command must get the caller's.
class IgnoredPipeSignal {
 public:
  IgnoredPipeSignal() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  IgnoredPipeSignal(const IgnoredPipeSignal&) = delete;
  IgnoredPipeSignal& operator=(const IgnoredPipeSignal&) = delete;
  ~IgnoredPipeSignal() { ::sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

Outcome supervise_capture(const SuperviseRequest& request, steady_clock::time_point begin) {
  base::Pipe output = base::make_pipe(O_NONBLOCK);
  const base::UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::fcntl(output.write_end.get(), F_SETFL, 0);
  sandbox::RunningSandbox sandbox =
      sandbox::launch(*request.plan, {nothing.get(), output.write_end.get(), nothing.get()},
                      sandbox::Supervisor::free);
  output.write_end.reset();
  const IgnoredPipeSignal ignored;
  Supervision supervision(request, sandbox);
  const auto read_some = [&] {
    std::array<char, 65536> buffer;
    const ssize_t got = ::read(output.read_end.get(), buffer.data(), buffer.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (request.capture->size() < kMaxCapture) {
      request.capture->append(buffer.data(), static_cast<std::size_t>(got));
    }
    return got > 0;
  };
  supervision.loop().on_readable(output.read_end.get(), read_some);
  Outcome outcome = supervision.run(begin);
  ::fcntl(output.read_end.get(), F_SETFL, 0);  // every writer is dead
  while (read_some()) {
  }
  return outcome;
}

}  // namespace

Outcome supervise(const SuperviseRequest& request) {
  const auto begin = steady_clock::now();
  if (request.capture != nullptr) return supervise_capture(request, begin);
  const TerminalJanitor janitor;  // ends last, when the terminal is as it was
  const StreamFlags flags;
  StreamRelay streams(request.closed_streams);
  sandbox::RunningSandbox sandbox =
      sandbox::launch(*request.plan, streams.inner(), sandbox::Supervisor::confined,
                      request.control_group == nullptr ? -1 : request.control_group->fd());
  sandbox::confine_supervisor();
  const IgnoredPipeSignal ignored;
  Supervision supervision(request, sandbox);
  streams.start(supervision.loop());
  Outcome outcome = supervision.run(begin);
  streams.drain();
  return outcome;
}

}  // namespace sandbox_run::cli
