// A pidfd is readable when its process has ended, and hung up when the parent has reaped it. In
// between, a moment mostly, /proc/PID/stat still tells processor times and exit code.

#include "watch/script_ends.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sys_error.h"
#include "base/text.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxFollowed = 1024;

/// linux/pidfd.h of 6.15; Debian 12's headers are older.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t kInfoExit = 1U << 3U;
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);

std::optional<long> as_number(std::string_view text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

/// The fields of /proc/PID/stat from the third on.
std::vector<std::string> stat_fields(int pid) {
  const std::string text = read_process_file(pid, "stat", 4096);
  const std::size_t name_end = text.rfind(") ");
  return name_end == std::string::npos
             ? std::vector<std::string>()
             : base::split(base::trim(std::string_view(text).substr(name_end + 2)), ' ');
}

}  // namespace

ScriptEnds::ScriptEnds(events::EventSink& sink, GoesOn goes_on)
    : sink_(sink),
      goes_on_(std::move(goes_on)),
      poll_(base::check_sys(::epoll_create1(EPOLL_CLOEXEC), "watching scripts")) {}

void ScriptEnds::follow(const events::Event& started) {
  if (!started.process || followed_.size() >= kMaxFollowed) return;
  Followed script;
  script.pidfd =
      base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, started.process->pid, 0)));
  if (!script.pidfd) return;  // ended already
  script.began = std::chrono::steady_clock::now();
  script.finished.type = "script.finished";
  script.finished.actor = started.actor;
  script.finished.process = started.process;
  for (const char* key : {"package", "version", "event"}) {
    const auto at = started.details.find(key);
    if (at != started.details.end()) script.finished.details[key] = at->value();
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // once when it ends, once when it is reaped
  event.data.u64 = next_;
  if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, script.pidfd.get(), &event) != 0) return;
  followed_.emplace(next_++, std::move(script));
}

void ScriptEnds::note_memory(const events::Actor& actor, std::int64_t kilobytes) {
  for (auto& [number, script] : followed_) {
    if (script.finished.actor != actor) continue;
    script.peak_memory_kb = std::max(script.peak_memory_kb, kilobytes);
  }
}

void ScriptEnds::note_exit(const events::Actor& actor) {
  for (auto& [number, script] : followed_) {
    if (script.finished.actor == actor) script.last_exit = std::chrono::system_clock::now();
  }
}

void ScriptEnds::note_code(Followed& script, int status) {
  if (WIFSIGNALED(status)) {
    script.finished.details["signal"] = WTERMSIG(status);
  } else {
    script.finished.details["exit_code"] = WEXITSTATUS(status);
  }
}

void ScriptEnds::note_end(Followed& script) const {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  script.has_ended = true;
  script.finished.time = std::chrono::system_clock::now();
  const auto took = std::chrono::steady_clock::now() - script.began;
  script.finished.details["duration_ms"] = duration_cast<milliseconds>(took).count();
  if (goes_on_(script.finished.actor.value_or(events::Actor{}), script.finished.process->pid)) {
    script.finished.details["left_running"] = true;
  }
  // proc(5) counts from one: state is 3, utime to cstime are 14 to 17, exit_code is 52.
  const std::vector<std::string> fields = stat_fields(script.finished.process->pid);
  if (fields.size() < 50 || fields[0] != "Z") return;
  long ticks = 0;
  for (std::size_t i = 11; i <= 14; ++i) ticks += as_number(fields[i]).value_or(0);
  script.finished.details["cpu_ms"] = ticks * 1000 / ::sysconf(_SC_CLK_TCK);
  if (const auto status = as_number(fields[49])) note_code(script, static_cast<int>(*status));
}

void ScriptEnds::tell(Entry script) {
  events::Event& finished = script->second.finished;
  if (!script->second.has_ended) note_end(script->second);
  PidfdInfo info{};
  info.mask = kInfoExit;
  if (::ioctl(script->second.pidfd.get(), kGetInfo, &info) == 0 && (info.mask & kInfoExit) != 0) {
    finished.details.erase("exit_code");
    finished.details.erase("signal");
    note_code(script->second, info.exit_code);
  }
  if (script->second.last_exit) {
    // Its end is noticed later, when the package manager may have gone on already.
    using std::chrono::microseconds;
    const auto since_epoch = script->second.last_exit->time_since_epoch();
    finished.details["last_exit_us"] =
        std::chrono::duration_cast<microseconds>(since_epoch).count();
  }
  if (script->second.peak_memory_kb > 0) {
    finished.details["peak_memory_kb"] = script->second.peak_memory_kb;
  }
  sink_.record(finished);
  followed_.erase(script);
}

bool ScriptEnds::on_readable() {
  std::array<epoll_event, 64> events{};
  const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const auto script = followed_.find(event.data.u64);
    if (script == followed_.end()) continue;
    if (!script->second.has_ended) note_end(script->second);
    const bool reaped = (event.events & EPOLLHUP) != 0;
    const bool known = script->second.finished.details.contains("exit_code") ||
                       script->second.finished.details.contains("signal");
    if (reaped || known) tell(script);
  }
  return true;
}

void ScriptEnds::finish() {
  while (!followed_.empty()) tell(followed_.begin());
}

}  // namespace sandbox_run::watch
