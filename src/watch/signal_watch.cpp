#include "watch/signal_watch.h"

#include <asm/unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace sandbox_run::watch {
namespace {

using events::Actor;

constexpr std::size_t kMaxSignalFile = 16384;
constexpr std::size_t kMaxSignalThreads = 4096;

/// As the sandboxee numbers it: the innermost of its numbers. 0: gone.
int inner_id(std::string_view status, std::string_view key) {
  const std::vector<int> ids = parse_namespace_ids(status, key);
  return ids.empty() ? 0 : ids.back();
}

int argument(const seccomp_notif& notification, std::size_t index) {
  return static_cast<int>(static_cast<std::uint32_t>(notification.data.args[index]));
}

bool has_thread(int process, int inner_thread) {
  const std::vector<int> threads =
      numbers_in("/proc/" + std::to_string(process) + "/task", kMaxSignalThreads);
  return std::any_of(threads.begin(), threads.end(), [&](int thread) {
    return inner_id(read_process_file(thread, "status", kMaxSignalFile), "NSpid") == inner_thread;
  });
}

/// The process on the host that a pidfd of `holder` is for. 0: none, or none that can be told.
int process_of_pidfd(int holder, int fd) {
  const std::string info =
      read_process_file(holder, "fdinfo/" + std::to_string(fd), kMaxSignalFile);
  const std::vector<int> ids = parse_namespace_ids(info, "Pid");
  return ids.empty() || ids.front() <= 0 ? 0 : process_of_thread(ids.front());
}

}  // namespace

bool is_signal_call(int number) {
  switch (number) {
    case __NR_kill:
    case __NR_tkill:
    case __NR_tgkill:
    case __NR_rt_sigqueueinfo:
    case __NR_rt_tgsigqueueinfo:
    case __NR_pidfd_send_signal:
      return true;
    default:
      return false;
  }
}

std::vector<int> parse_namespace_ids(std::string_view status, std::string_view key) {
  std::vector<int> ids;
  const std::string start = std::string(key) + ":\t";
  std::size_t at = status.find(start);
  // At the start of a line only: a process names itself, on the first line, as it likes (its
  // newlines are escaped there).
  while (at != std::string_view::npos && at != 0 && status[at - 1] != '\n') {
    at = status.find(start, at + 1);
  }
  if (at == std::string_view::npos) return ids;
  std::string_view rest = status.substr(at + start.size());
  rest = rest.substr(0, rest.find('\n'));
  while (!rest.empty()) {
    int id = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), id);
    if (error != std::errc()) return {};
    ids.push_back(id);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (!rest.empty()) rest.remove_prefix(1);
  }
  return ids;
}

bool SignalWatch::reaches(const ProcessId& process, const seccomp_notif& notification,
                          int sender) const {
  const int number = notification.data.nr;
  const int target = argument(notification, 0);
  if (number == __NR_pidfd_send_signal) {
    const int known = process_of_pidfd(sender, target);
    return known == 0 || known == process.pid;
  }
  const std::string status = read_process_file(process.pid, "status", kMaxSignalFile);
  if (number == __NR_tgkill || number == __NR_rt_tgsigqueueinfo) {
    return inner_id(status, "NSpid") == target;
  }
  if (target == -1) return !status.empty();
  if (target > 0) return inner_id(status, "NSpid") == target || has_thread(process.pid, target);
  const int group = target == 0
                        ? inner_id(read_process_file(sender, "status", kMaxSignalFile), "NSpgid")
                        : -target;
  return inner_id(status, "NSpgid") == group;
}

bool SignalWatch::allows(const seccomp_notif& notification) {
  const int sender = process_of_thread(static_cast<int>(notification.pid));
  const auto status = read_process_status(sender);
  const Actor actor = status ? processes_.actor_of(*status) : Actor{};
  if (!channel_.is_valid(notification.id)) return true;  // it is gone, and so is its call
  if (actor.kind == Actor::Kind::package_manager) return true;
  if (actor.kind == Actor::Kind::project_script && status && own_.follows(*status)) return true;
  const std::vector<ProcessId> others = processes_.of_others(actor);
  return std::none_of(others.begin(), others.end(), [&](const ProcessId& process) {
    return reaches(process, notification, sender);
  });
}

}  // namespace sandbox_run::watch
