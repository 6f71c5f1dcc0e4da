#include "watch/connect_watch.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

#include "base/unique_fd.h"
#include "watch/process_description.h"

namespace sandbox_run::watch {
namespace {

bool is_internet_socket(int fd) {
  int domain = 0;
  socklen_t length = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
         (domain == AF_INET || domain == AF_INET6);
}

}  // namespace

bool is_connecting_call(int number) {
  return number == __NR_connect || number == __NR_sendto || number == __NR_sendmsg ||
         number == __NR_sendmmsg;
}

void ConnectWatch::mark(const seccomp_notif& notification) {
  const auto number_of = [this](const std::optional<ProcessStatus>& status) {
    if (!status) return events::CallerTable::kUnknown;
    return callers_.add({processes_.actor_of(*status), describe_process(status->id.pid)});
  };
  const auto* known = known_.find_or_learn(notification, channel_, number_of);
  if (known == nullptr) return;
  const int fd = static_cast<int>(notification.data.args[0]);
  const base::UniqueFd socket(
      static_cast<int>(::syscall(SYS_pidfd_getfd, known->pidfd.get(), fd, 0)));
  if (!socket || !is_internet_socket(socket.get())) return;
  // Only a thread that still waits says that all this was of the right process.
  if (!channel_.is_valid(notification.id)) return;
  // Also if it is unknown: another's mark from an earlier connect(2) must not stay.
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &known->value, sizeof known->value);
}

}  // namespace sandbox_run::watch
