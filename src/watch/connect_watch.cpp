#include "watch/connect_watch.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/unique_fd.h"
#include "watch/process_description.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxKnown = 65536;

/// The process's own socket, by another descriptor; none if it is not there or not to be had.
base::UniqueFd socket_of(int process, int fd) {
  const base::UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (!handle) return {};
  return base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_getfd, handle.get(), fd, 0)));
}

bool is_internet_socket(int fd) {
  int domain = 0;
  socklen_t length = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
         (domain == AF_INET || domain == AF_INET6);
}

}  // namespace

void ConnectWatch::mark(const seccomp_notif& notification) {
  const int process = process_of_thread(static_cast<int>(notification.pid));
  const base::UniqueFd socket = socket_of(process, static_cast<int>(notification.data.args[0]));
  if (!socket || !is_internet_socket(socket.get())) return;
  const auto status = read_process_status(process);
  // Only a thread that still waits says that all this was of the right process.
  if (!channel_.is_valid(notification.id)) return;
  // Also if it is unknown: another's mark from an earlier connect(2) must not stay.
  const events::CallerTable::Number number =
      status ? number_of(*status) : events::CallerTable::kUnknown;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &number, sizeof number);
}

events::CallerTable::Number ConnectWatch::number_of(const ProcessStatus& process) {
  events::Actor actor = processes_.actor_of(process);
  const auto known = known_.find(process.id.pid);
  if (known != known_.end() && known->second.start == process.id.start &&
      callers_.at(known->second.number).actor == actor) {
    return known->second.number;
  }
  const events::CallerTable::Number number =
      callers_.add({std::move(actor), describe_process(process.id.pid)});
  if (known_.size() >= kMaxKnown) known_.clear();
  known_[process.id.pid] = {process.id.start, number};
  return number;
}

}  // namespace sandbox_run::watch
