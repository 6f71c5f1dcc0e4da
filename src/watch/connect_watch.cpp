#include "watch/connect_watch.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "base/unique_fd.h"
#include "watch/process_description.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxKnown = 128;  // a descriptor each

bool is_internet_socket(int fd) {
  int domain = 0;
  socklen_t length = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
         (domain == AF_INET || domain == AF_INET6);
}

}  // namespace

void ConnectWatch::mark(const seccomp_notif& notification) {
  // A process that connects again is looked up without a file of /proc read.
  const Known* known = find(static_cast<int>(notification.pid));
  if (known == nullptr) known = learn(notification);
  if (known == nullptr) return;
  const int fd = static_cast<int>(notification.data.args[0]);
  const base::UniqueFd socket(
      static_cast<int>(::syscall(SYS_pidfd_getfd, known->process.get(), fd, 0)));
  if (!socket || !is_internet_socket(socket.get())) return;
  // Only a thread that still waits says that all this was of the right process.
  if (!channel_.is_valid(notification.id)) return;
  // Also if it is unknown: another's mark from an earlier connect(2) must not stay.
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &known->number, sizeof known->number);
}

/// By the pid of a process's first thread. nullptr: not known, or dead.
const ConnectWatch::Known* ConnectWatch::find(int pid) const {
  const auto known = known_.find(pid);
  if (known == known_.end()) return nullptr;
  pollfd entry{known->second.process.get(), POLLIN, 0};  // readable: it has ended
  return ::poll(&entry, 1, 0) == 0 ? &known->second : nullptr;
}

const ConnectWatch::Known* ConnectWatch::learn(const seccomp_notif& notification) {
  const int pid = process_of_thread(static_cast<int>(notification.pid));
  if (const Known* known = find(pid)) return known;
  base::UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return nullptr;
  const auto status = read_process_status(pid);
  // The thread waits, so that all of it was this process's.
  if (!channel_.is_valid(notification.id)) return nullptr;
  if (known_.size() >= kMaxKnown) known_.clear();
  Known& known = known_[pid];
  known = {std::move(process), events::CallerTable::kUnknown};
  if (status) known.number = callers_.add({processes_.actor_of(*status), describe_process(pid)});
  return &known;
}

}  // namespace sandbox_run::watch
