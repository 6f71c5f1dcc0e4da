#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/unique_fd.h"
#include "watch/notification.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {

/// What is known of the threads that notified of late, so that no file of /proc need be read each
/// time. Each is held by a pidfd (pidfd_open(2)): while it lives, its number is nobody else's. What
/// is known of a process must be forgotten when it executes another program.
template <class Value>
class PinnedProcesses {
 public:
  struct Pinned {
    base::UniqueFd pidfd;  // of the thread, before Linux 6.9 of its process
    Value value;
  };

  /// nullptr: not known, or dead.
  const Pinned* find(int thread) const {
    const auto known = known_.find(thread);
    if (known == known_.end()) return nullptr;
    pollfd entry{known->second.pidfd.get(), POLLIN, 0};  // readable: it has ended
    return ::poll(&entry, 1, 0) == 0 ? &known->second : nullptr;
  }

  /// `ask(optional<ProcessStatus>)` says the value. nullptr: it does not wait any more.
  template <class Ask>
  const Pinned* find_or_learn(const seccomp_notif& notification, const NotificationChannel& channel,
                              const Ask& ask) {
    int thread = static_cast<int>(notification.pid);
    if (const Pinned* known = find(thread)) return known;
    const int process = process_of_thread(thread);
    constexpr unsigned kThread = O_EXCL;  // PIDFD_THREAD
    base::UniqueFd pidfd = open(thread, process == thread ? 0 : kThread);
    if (!pidfd) {
      thread = process;
      if (const Pinned* known = find(thread)) return known;
      pidfd = open(thread, 0);
    }
    const auto status = read_process_status(process);
    // The thread waits, so that all of it was this process's.
    if (!pidfd || !channel.is_valid(notification.id)) return nullptr;
    if (known_.size() >= kMaxKnown) known_.clear();
    return &known_.insert_or_assign(thread, Pinned{std::move(pidfd), ask(status)}).first->second;
  }

  /// The process is about to be another program; its other threads end.
  void forget(int process) { known_.erase(process); }

 private:
  static constexpr std::size_t kMaxKnown = 128;  // a descriptor each

  static base::UniqueFd open(int id, unsigned flags) {
    return base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, id, flags)));
  }

  std::unordered_map<int, Pinned> known_;
};

}  // namespace sandbox_run::watch
