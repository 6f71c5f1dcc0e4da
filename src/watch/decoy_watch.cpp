// A lease is broken by whoever opens the file: the kernel tells us by SIGIO and lets the opener
// wait (at most /proc/sys/fs/lease-break-time, 45 s) until the lease is given up. An opener with
// O_NONBLOCK does not wait: it gets EAGAIN, and no content; it is recorded without a name unless it
// can be told. While a file is open its lease can't be had again: what opens it then is seen by
// inotify(7), and looked for among the descriptors of all processes.
//
// SIGIO without F_SETSIG: a real-time signal could be lost, if the package uses up this user's
// queue (RLIMIT_SIGPENDING); so each time all leases are looked at.

#include "watch/decoy_watch.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>
#include <map>
#include <optional>
#include <set>

#include "base/sys_error.h"
#include "base/text.h"
#include "events/event.h"
#include "watch/openers.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {
namespace {

using events::Actor;
using events::Event;
using events::Severity;
using policy::DecoyReaders;

/// A package that opens and closes a decoy in a loop costs us a look through /proc each time.
constexpr int kOpensTold = 64;  // of one decoy
constexpr int kLooks = 6;
constexpr std::size_t kMaxReaderArguments = 64;
constexpr std::size_t kMaxCommandLine = 16384;

/// So that a thread that was about to wait does.
void wait_a_little() {
  const timespec time{0, 100'000};
  ::nanosleep(&time, nullptr);
}

/// By a thread: the first one may have ended, and says nothing any more.
events::Process process_of(int pid, int thread) {
  events::Process process;
  process.pid = pid;
  process.exe = read_process_link(thread, "exe");
  process.working_directory = read_process_link(thread, "cwd");
  std::string line = read_process_file(thread, "cmdline", kMaxCommandLine);
  if (!line.empty() && line.back() == '\0') line.pop_back();
  process.arguments = base::split(line, '\0');
  if (process.arguments.size() > kMaxReaderArguments) process.arguments.resize(kMaxReaderArguments);
  return process;
}

bool has_ended(int pid) {
  const auto status = read_process_status(pid);
  return !status || status->ended;
}

bool waits_for_lease(int thread) {
  constexpr std::size_t kLongestName = 64;
  return read_process_file(thread, "wchan", kLongestName).find("lease") != std::string::npos;
}

bool is_inside(int pid, const SandboxRoots& roots) {
  constexpr int kMaxAncestors = 256;
  if (pid == roots.init || pid == roots.keeper) return false;
  for (int i = 0; i < kMaxAncestors && pid > 1; ++i) {
    if (pid == roots.init || pid == roots.keeper) return true;
    const auto status = read_process_status(pid);
    if (!status) return false;
    pid = status->parent;
  }
  return false;
}

}  // namespace

Severity decoy_severity(DecoyReaders readers, const Actor& actor, std::string_view program,
                        bool is_hosts) {
  if (readers == DecoyReaders::nobody) return Severity::alert;
  if (actor.kind == Actor::Kind::package_manager) return Severity::info;
  return is_hosts && policy::is_http_client(program) ? Severity::notice : Severity::alert;
}

class DecoyWatch::Impl {
 public:
  Impl(std::vector<PlacedDecoy> decoys, SandboxRoots roots, events::EventSink& sink,
       ActorOf actor_of, IsHosts is_hosts);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  int lease_fd() const { return signals_.get(); }
  int change_fd() const { return changes_.get(); }
  bool on_lease();
  bool on_change();
  void renew();

 private:
  struct Watched {
    PlacedDecoy placed;
    struct stat status {};
    bool leased = false;
    int opens = 0;
    int expected = 0;  // opens that were told already, and that inotify has yet to tell
    bool breaking = false;
    bool found = false;
    std::set<int> openers;  // processes that were told since the lease was last had
  };
  using When = std::chrono::system_clock::time_point;

  void read_changes();
  void lease(Watched& decoy) const;
  bool try_lease(Watched& decoy) const;
  void find_openers(When when);
  void tell(Watched& decoy, int thread, const std::string& given, When when);
  void tell_unknown(Watched& decoy, When when);
  void on_open_unseen(Watched& decoy);
  struct Suspect {
    int pid = 0;
    Actor actor;
  };
  std::optional<Suspect> only_suspect() const;
  bool leads_to(const Opener& opener, const Watched& decoy) const;

  std::vector<Watched> decoys_;
  const SandboxRoots roots_;
  ProcessId init_;
  events::EventSink& sink_;
  ActorOf actor_of_;
  IsHosts is_hosts_;
  base::UniqueFd signals_;
  base::UniqueFd changes_;
  std::map<int, std::size_t> by_watch_;
  sigset_t mask_before_{};
};

DecoyWatch::Impl::Impl(std::vector<PlacedDecoy> decoys, SandboxRoots roots, events::EventSink& sink,
                       ActorOf actor_of, IsHosts is_hosts)
    : roots_(roots),
      init_(read_process_status(roots.init).value_or(ProcessStatus{{roots.init}}).id),
      sink_(sink),
      actor_of_(std::move(actor_of)),
      is_hosts_(std::move(is_hosts)) {
  sigset_t io;
  ::sigemptyset(&io);
  ::sigaddset(&io, SIGIO);
  signals_ = base::UniqueFd(
      base::check_sys(::signalfd(-1, &io, SFD_CLOEXEC | SFD_NONBLOCK), "watching the decoys"));
  changes_ = base::UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  for (PlacedDecoy& placed : decoys) {
    Watched& decoy = decoys_.emplace_back();
    decoy.placed = std::move(placed);
    base::check_sys(::fstat(decoy.placed.fd.get(), &decoy.status), "looking at a decoy");
    if (!changes_) continue;
    const std::string path = "/proc/self/fd/" + std::to_string(decoy.placed.fd.get());
    const int watch =
        ::inotify_add_watch(changes_.get(), path.c_str(), IN_OPEN | IN_CLOSE | IN_MASK_CREATE);
    if (watch >= 0) by_watch_[watch] = decoys_.size() - 1;
  }
  // Before the first lease: unblocked, SIGIO would end this process.
  ::pthread_sigmask(SIG_BLOCK, &io, &mask_before_);
  for (Watched& decoy : decoys_) lease(decoy);
}

DecoyWatch::Impl::~Impl() {
  decoys_.clear();  // with the descriptors the leases go, so that no more signals come
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) > 0) {
  }
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

bool DecoyWatch::Impl::try_lease(Watched& decoy) const {
  decoy.leased = ::fcntl(decoy.placed.fd.get(), F_SETLEASE, F_WRLCK) == 0;
  return decoy.leased;
}

void DecoyWatch::Impl::lease(Watched& decoy) const {
  if (!try_lease(decoy)) throw base::SysError("taking a lease on the decoy " + decoy.placed.path);
}

void DecoyWatch::Impl::renew() {
  for (Watched& decoy : decoys_) {
    if (decoy.leased || decoy.opens >= kOpensTold) continue;
    if (!try_lease(decoy)) continue;
    // Nobody has it open, and no more opens go unseen: what inotify still has to tell is of before.
    read_changes();
    decoy.expected = 0;
    decoy.openers.clear();
  }
}

bool DecoyWatch::Impl::leads_to(const Opener& opener, const Watched& decoy) const {
  return opener.look.result == Look::Result::found &&
         opener.look.status.st_dev == decoy.status.st_dev &&
         opener.look.status.st_ino == decoy.status.st_ino;
}

bool DecoyWatch::Impl::on_lease() {
  const auto when = std::chrono::system_clock::now();
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) > 0) {
  }
  bool any = false;
  for (Watched& decoy : decoys_) {
    decoy.found = false;
    decoy.breaking = decoy.leased && ::fcntl(decoy.placed.fd.get(), F_GETLEASE) != F_WRLCK;
    any = any || decoy.breaking;
  }
  if (!any) return true;
  find_openers(when);
  for (Watched& decoy : decoys_) {
    if (!decoy.breaking) continue;
    if (!decoy.found) tell_unknown(decoy, when);
    decoy.breaking = false;
    decoy.leased = false;
    ::fcntl(decoy.placed.fd.get(), F_SETLEASE, F_UNLCK);  // whoever waits goes on
    // Who did not wait got nothing: it shall not get it at its next try either, unseen.
    if (!decoy.found && decoy.opens < kOpensTold) try_lease(decoy);
  }
  return true;
}

void DecoyWatch::Impl::find_openers(When when) {
  std::set<int> told;
  std::map<int, std::string> unclear;  // thread → its call: it waits, but its path leads elsewhere
  for (int look = 0; look < kLooks; ++look) {
    std::map<int, std::string> still_unclear;
    // By number first: the numbers have hardly ever started anew since the last look.
    const auto by = look == 0 ? Since::By::number : Since::By::start;
    for_each_opener({init_, by}, [&](const Opener& opener) {
      const auto decoy = std::find_if(decoys_.begin(), decoys_.end(), [&](const Watched& each) {
        return each.breaking && leads_to(opener, each);
      });
      if (decoy == decoys_.end()) {
        still_unclear[opener.thread] = opener.call;
      } else if (told.insert(opener.thread).second) {
        tell(*decoy, opener.thread, opener.given, when);
      }
    });
    const bool all = std::all_of(decoys_.begin(), decoys_.end(),
                                 [](const Watched& each) { return !each.breaking || each.found; });
    if (all) return;
    if (look + 1 < kLooks) {
      unclear = std::move(still_unclear);
      wait_a_little();
      continue;
    }
    // A second thread has written over the path meanwhile: who waits that long in an open waits for
    // us; where the kernel says for what, who waits for a lease (proc(5), wchan), for on a machine
    // that has much to do others may stand in an open as long.
    std::erase_if(still_unclear, [&](const auto& waiting) {
      const auto before = unclear.find(waiting.first);
      return before == unclear.end() || before->second != waiting.second ||
             !is_inside(process_of_thread(waiting.first), roots_);
    });
    const bool is_told = std::any_of(still_unclear.begin(), still_unclear.end(),
                                     [](auto& waiting) { return waits_for_lease(waiting.first); });
    for (Watched& decoy : decoys_) {
      if (!decoy.breaking || decoy.found) continue;
      for (const auto& [thread, call] : still_unclear) {
        if (!is_told || waits_for_lease(thread)) tell(decoy, thread, "", when);
      }
    }
  }
}

void DecoyWatch::Impl::tell(Watched& decoy, int thread, const std::string& given, When when) {
  const int pid = process_of_thread(thread);
  decoy.found = true;
  ++decoy.expected;
  decoy.openers.insert(pid);
  if (++decoy.opens > kOpensTold) return;
  Event event;
  event.type = "decoy.opened";
  event.time = when;
  event.actor = actor_of_(pid);
  event.process = process_of(pid, thread);
  event.severity = decoy_severity(decoy.placed.readers, *event.actor, event.process->exe,
                                  is_hosts_(event.process->exe));
  event.details = {{"path", decoy.placed.path}};
  if (!given.empty() && given != decoy.placed.path) event.details["given"] = given;
  sink_.record(event);
}

void DecoyWatch::Impl::tell_unknown(Watched& decoy, When when) {
  // Tools that look into it in passing are no news, and this may be one.
  if (++decoy.opens > kOpensTold || decoy.placed.readers != DecoyReaders::nobody) return;
  Event event;
  event.type = "decoy.opened";
  event.time = when;
  event.severity = Severity::alert;
  event.details = {{"path", decoy.placed.path}};
  const auto suspect = only_suspect();
  event.actor = suspect ? suspect->actor : Actor{};
  if (suspect) {
    event.process = process_of(suspect->pid, suspect->pid);
    event.details["inferred"] = true;
  }
  event.details["reason"] = suspect ? "the opener did not wait to be found; nobody else was running"
                                    : "the opener did not wait to be found";
  sink_.record(event);
}

/// The newest process, if no process belongs to another actor. The package manager always runs, and
/// waits for its scripts: it is meant only if it is alone.
std::optional<DecoyWatch::Impl::Suspect> DecoyWatch::Impl::only_suspect() const {
  std::optional<Suspect> suspect;
  for (const int pid : processes_since({init_})) {
    if (!is_inside(pid, roots_)) continue;
    const Suspect next{pid, actor_of_(pid)};
    if (next.actor.kind == Actor::Kind::unknown && has_ended(pid)) continue;
    const bool manager = next.actor.kind == Actor::Kind::package_manager;
    if (!suspect || (suspect->actor.kind == Actor::Kind::package_manager && !manager)) {
      suspect = next;
    } else if (!manager && next.actor != suspect->actor) {
      return std::nullopt;
    }
  }
  return suspect;
}

void DecoyWatch::Impl::on_open_unseen(Watched& decoy) {
  const auto when = std::chrono::system_clock::now();
  const std::vector<int> holders = holders_of({init_}, decoy.status);
  for (const int pid : holders) {
    if (!decoy.openers.contains(pid)) tell(decoy, pid, "", when);
  }
  if (holders.empty()) tell_unknown(decoy, when);
  decoy.expected = 0;
}

bool DecoyWatch::Impl::on_change() {
  read_changes();
  renew();
  return true;
}

void DecoyWatch::Impl::read_changes() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  while (true) {
    const ssize_t got = ::read(changes_.get(), buffer.data(), buffer.size());
    if (got <= 0) break;
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      const auto index = by_watch_.find(event->wd);
      if ((event->mask & IN_OPEN) == 0 || index == by_watch_.end()) continue;
      Watched& decoy = decoys_[index->second];
      if (decoy.expected > 0) {
        --decoy.expected;
      } else if (decoy.opens < kOpensTold) {
        on_open_unseen(decoy);
      }
    }
  }
}

DecoyWatch::DecoyWatch(std::vector<PlacedDecoy> decoys, SandboxRoots roots, events::EventSink& sink,
                       ActorOf actor_of, IsHosts is_hosts)
    : impl_(std::make_unique<Impl>(std::move(decoys), roots, sink, std::move(actor_of),
                                   std::move(is_hosts))) {}
DecoyWatch::~DecoyWatch() = default;
int DecoyWatch::lease_fd() const { return impl_->lease_fd(); }
int DecoyWatch::change_fd() const { return impl_->change_fd(); }
bool DecoyWatch::on_lease() { return impl_->on_lease(); }
bool DecoyWatch::on_change() { return impl_->on_change(); }
void DecoyWatch::renew() { impl_->renew(); }

}  // namespace sandbox_run::watch
