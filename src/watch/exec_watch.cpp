// Who runs what: one seccomp notification for each exec (connect(2), SIGUSR1, writes, the
// end of a process) in the sandbox.
//
// Must:     answer every notification, whatever goes wrong in reading it, with "go on" and a record
//           (what was not understood is recorded as such), or else with the errno of a path that
//           leads nowhere: "go on" without a record would hide the exec of a path that a second
//           thread flips between the look and the exec.
// Must not: believe what was read before SECCOMP_IOCTL_NOTIF_ID_VALID said whose it was.

#include "watch/exec_watch.h"

#include <asm/unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "watch/actor.h"
#include "watch/actor_labels.h"
#include "watch/connect_watch.h"
#include "watch/copied_python.h"
#include "watch/exec_reader.h"
#include "watch/nested_manager.h"
#include "watch/notification.h"
#include "watch/process_table.h"
#include "watch/script_ends.h"
#include "watch/shadowed_programs.h"
#include "watch/signal_watch.h"
#include "watch/socket_watch.h"
#include "watch/trusted_programs.h"
#include "watch/write_watch.h"

namespace sandbox_run::watch {
namespace {

using events::Actor;
using events::Event;

/// Others of the supervisor's one thread want their turn, too.
constexpr int kNotificationsPerTurn = 256;
constexpr std::size_t kMaxStartedScripts = 10'000;
constexpr std::size_t kMaxShadowing = 100;

}  // namespace

class ExecWatch::Impl {
 public:
  Impl(base::UniqueFd listener, policy::PackageManager manager, events::EventSink& sink,
       events::CallerTable& callers, WatchedPlaces places,
       std::vector<std::string> trusted_programs, int init_pid)
      : listener_(std::move(listener)),
        channel_(listener_.get()),
        sink_(sink),
        project_(std::move(places.project)),
        trusted_(std::move(trusted_programs), places.manages),
        shadowed_(std::move(places.never_shadowed)),
        labels_(manager, TrustedPrograms(std::move(places.managers), places.manages),
                OwnCode(WrittenFiles(std::move(places.layers)), project_, places.home), project_,
                init_pid),
        connects_(channel_, processes_, callers),
        signals_(channel_, processes_, labels_.own_code()),
        sockets_(channel_, processes_, sink),
        writes_(channel_, processes_, sink, project_, std::move(places.home)),
        ends_(sink, [this](const Actor& actor, int but_for) { return goes_on(actor, but_for); }) {}

  int fd() const { return listener_.get(); }
  Actor actor_of(int pid) { return processes_.actor_of(pid); }
  WatchTotals totals() const {
    WatchTotals totals = totals_;
    totals.nested = labels_.nested();
    return totals;
  }
  ScriptEnds& ends() { return ends_; }

  bool on_readable() {
    for (int i = 0; i < kNotificationsPerTurn; ++i) {
      const auto state = channel_.state();
      if (state != NotificationChannel::State::pending) {
        return state != NotificationChannel::State::dead;
      }
      const auto notification = channel_.receive();
      if (!notification) continue;
      if (is_connecting_call(notification->data.nr)) {
        handle_connect(*notification);
      } else if (notification->data.nr == __NR_socket) {
        handle_socket(*notification);
      } else if (is_signal_call(notification->data.nr)) {
        handle_signal(*notification);
      } else if (is_write_call(notification->data.nr)) {
        handle_write(*notification);
      } else if (notification->data.nr == __NR_exit_group) {
        handle_exit(*notification);
      } else {  // execve, execveat
        handle_exec(*notification);
      }
    }
    return true;
  }

 private:
  void handle_exec(const seccomp_notif& notification);
  void handle_connect(const seccomp_notif& notification);
  void handle_socket(const seccomp_notif& notification);
  void handle_signal(const seccomp_notif& notification);
  void handle_write(const seccomp_notif& notification);
  void handle_exit(const seccomp_notif& notification);
  bool goes_on(const Actor& actor, int but_for);
  Act read(const seccomp_notif& notification);
  void record(const Act& act, const Actor& actor);
  void record_script(const Act& act, const Actor& actor);
  void record_shadowing(const Act& act);

  base::UniqueFd listener_;
  NotificationChannel channel_;
  events::EventSink& sink_;
  std::string project_;
  TrustedPrograms trusted_;
  ShadowedPrograms shadowed_;
  ProcessTable processes_;
  ActorLabels labels_;
  ConnectWatch connects_;
  SignalWatch signals_;
  SocketWatch sockets_;
  WriteWatch writes_;
  WatchTotals totals_;
  CopiedPython copied_python_;
  std::set<std::string> started_;
  std::set<std::string> shadowing_;  // paths that were told
  ScriptEnds ends_;
};

Act ExecWatch::Impl::read(const seccomp_notif& notification) {
  Act act;
  act.time = std::chrono::system_clock::now();
  const int thread = static_cast<int>(notification.pid);
  ExecPath where = read_exec_path(thread, notification.data);
  const ProcessRoot& root = act.root.emplace(thread);
  act.program = look_at(root, where);
  act.error = certain_error(where, act.program);
  if (act.error != 0) return act;
  if (where.plain) act.shadowing = shadowed_.package_of(where.path, act.program);
  act.program = copied_python_.original(root, act.program);
  act.by_descriptor = where.by_descriptor;
  act.reading = read_exec(thread, notification.data, std::move(where));
  act.trusted = trusted_.cover(act.program, act.reading.facts, root);
  const int process = process_of_thread(thread);
  const auto status = read_process_status(process);
  if (status) {
    act.process = *status;
    act.parent = processes_.actor_of(*status);
    act.is_orphan = !processes_.by_descent(*status);
    act.follows_own = labels_.own_code().follows(*status);
    act.planted = labels_.is_planted(act);
  } else {
    act.reading.complete = false;
    act.process.id.pid = process;
  }
  return act;
}

void ExecWatch::Impl::handle_connect(const seccomp_notif& notification) {
  try {
    connects_.mark(notification);
  } catch (const std::exception&) {
    // Out of memory: the socket has no mark, and the connection is nobody's.
  }
  channel_.let_go_on(notification.id);
}

void ExecWatch::Impl::handle_socket(const seccomp_notif& notification) {
  int error = EPERM;
  try {
    error = sockets_.refuse(notification);
  } catch (const std::exception&) {
    // Out of memory: refused, not recorded.
  }
  channel_.refuse(notification.id, error);
}

void ExecWatch::Impl::handle_signal(const seccomp_notif& notification) {
  bool allowed = false;
  try {
    allowed = signals_.allows(notification);
  } catch (const std::exception&) {
    // Out of memory: not sent.
  }
  if (allowed) {
    channel_.let_go_on(notification.id);
  } else {
    channel_.refuse(notification.id, EPERM);
  }
}

void ExecWatch::Impl::handle_write(const seccomp_notif& notification) {
  try {
    writes_.look(notification);
  } catch (const std::exception&) {
    // Out of memory: what was written is judged by the commit all the same.
  }
  channel_.let_go_on(notification.id);
}

/// A process that was forked only is seen when it is init's child: what a script leaves behind is.
/// Whose it is cannot be told for certain (its arguments and environment are its own to write), and
/// so it may be any actor's.
bool ExecWatch::Impl::goes_on(const Actor& actor, int but_for) {
  if (processes_.has_living(actor, but_for)) return true;
  return labels_.any_orphan([&](const ProcessStatus& orphan) {
    return orphan.id.pid != but_for && processes_.find(orphan.id) == nullptr;
  });
}

void ExecWatch::Impl::handle_exit(const seccomp_notif& notification) {
  std::optional<Actor> ends;
  try {
    if (ends_.follows_any()) {
      const int process = process_of_thread(static_cast<int>(notification.pid));
      const auto memory = peak_memory_of(process);
      Actor actor = processes_.actor_of(process);
      if (channel_.is_valid(notification.id)) {
        if (memory) ends_.note_memory(actor, *memory);
        ends = std::move(actor);
      }
    }
  } catch (const std::exception&) {
    // Out of memory: a number is missing.
  }
  channel_.let_go_on(notification.id);
  // After the answer: until then another thread of it goes on.
  if (ends) ends_.note_exit(*ends);
}

void ExecWatch::Impl::handle_exec(const seccomp_notif& notification) {
  Act act;
  try {
    act = read(notification);
  } catch (const std::exception&) {  // out of memory: then it is recorded as unreadable
    act = Act{};
    act.process.id.pid = static_cast<int>(notification.pid);
  }
  if (act.error != 0) {
    channel_.refuse(notification.id, act.error);
    return;
  }
  if (act.shadowing) {
    if (channel_.is_valid(notification.id)) record_shadowing(act);
    channel_.refuse(notification.id, ENOENT);
    return;
  }
  const bool still_waits = channel_.is_valid(notification.id);
  channel_.let_go_on(notification.id);
  // Killed or interrupted meanwhile: nothing was executed (an interrupted exec is notified again).
  if (!still_waits) return;
  const Actor actor = labels_.label(act);
  if (!labels_.keeps_trust(act, actor)) totals_.only_package_manager_ran = false;
  if (act.process.id.start != 0) {
    processes_.set(act.process.id, actor, act.reading.facts.arguments);
    connects_.forget(act.process.id.pid);
    writes_.forget(act.process.id.pid);
  }
  if (act.parent != actor) {
    writes_.own(actor, act.reading.facts.working_directory);
    record_script(act, actor);
  }
  record(act, actor);
}

void ExecWatch::Impl::record(const Act& act, const Actor& actor) {
  ++totals_.execs;
  Event event;
  event.type = "process.exec";
  event.time = act.time;
  event.actor = actor;
  const ExecFacts& facts = act.reading.facts;
  event.process =
      events::Process{act.process.id.pid, facts.path, facts.arguments, facts.working_directory};
  event.details["parent_pid"] = act.process.parent;
  if (act.by_descriptor) event.details["by_descriptor"] = true;
  if (!act.reading.complete) event.details["unreadable"] = true;
  sink_.record(event);
}

void ExecWatch::Impl::record_shadowing(const Act& act) {
  const ExecFacts& facts = act.reading.facts;
  if (shadowing_.size() >= kMaxShadowing || !shadowing_.insert(facts.path).second) return;
  Event event;
  event.type = "program.shadowed";
  event.severity = events::Severity::alert;
  event.time = act.time;
  event.actor = act.parent;
  event.process =
      events::Process{act.process.id.pid, facts.path, facts.arguments, facts.working_directory};
  event.details = {{"path", facts.path}};
  if (!act.shadowing->empty()) event.details["package"] = *act.shadowing;
  sink_.record(event);
}

void ExecWatch::Impl::record_script(const Act& act, const Actor& actor) {
  const ExecFacts& facts = act.reading.facts;
  const bool build = actor.kind == Actor::Kind::build;
  // What a nested manager runs for the script that started it is no script of its own.
  if (is_nested_manager(labels_.manager(), act.parent) && actor == starter_of(act.parent)) return;
  const bool script = actor.kind == Actor::Kind::script ||
                      (actor.kind == Actor::Kind::project_script && !actor.script_event.empty());
  if (!build && !script) return;
  const std::string directory = build ? facts.working_directory : package_directory(facts);
  // yarn 4 runs each command of a script itself, pip each step of a build: still one script.
  const std::string key =
      std::to_string(act.process.parent) + '\0' + events::to_words(actor) + '\0' + directory;
  if (started_.size() >= kMaxStartedScripts) started_.clear();
  const bool is_new = started_.insert(key).second;
  if (is_new) ++totals_.scripts;
  Event event;
  event.type = "script.started";
  event.time = act.time;
  event.actor = actor;
  event.process =
      events::Process{act.process.id.pid, facts.path, facts.arguments, facts.working_directory};
  event.details = {{"package", actor.package},
                   {"version", actor.version},
                   {"event", build ? python_build_step(facts) : actor.script_event},
                   {"directory", directory},
                   {"command", base::shell_words(facts.arguments)}};
  // Its name and its directory are of its own choosing.
  if (act.is_orphan) event.details["inferred"] = true;
  if (is_new) sink_.record(event);
  ends_.follow(event);
}

ExecWatch::ExecWatch(base::UniqueFd listener, policy::PackageManager manager,
                     events::EventSink& sink, events::CallerTable& callers, WatchedPlaces places,
                     std::vector<std::string> trusted_programs, int init_pid)
    : impl_(std::make_unique<Impl>(std::move(listener), manager, sink, callers, std::move(places),
                                   std::move(trusted_programs), init_pid)) {}

ExecWatch::~ExecWatch() = default;
int ExecWatch::script_fd() const { return impl_->ends().fd(); }
bool ExecWatch::on_script_end() { return impl_->ends().on_readable(); }
void ExecWatch::finish() { impl_->ends().finish(); }
int ExecWatch::fd() const { return impl_->fd(); }
bool ExecWatch::on_readable() { return impl_->on_readable(); }
Actor ExecWatch::actor_of(int pid) { return impl_->actor_of(pid); }
WatchTotals ExecWatch::totals() const { return impl_->totals(); }

}  // namespace sandbox_run::watch
