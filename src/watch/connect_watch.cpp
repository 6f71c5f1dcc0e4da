#include "watch/connect_watch.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "watch/connect_for.h"
#include "watch/process_description.h"

namespace sandbox_run::watch {
namespace {

int option_of(int socket, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

bool is_tcp(int socket) { return option_of(socket, SO_PROTOCOL) == IPPROTO_TCP; }

bool is_internet_socket(int socket) {
  const int domain = option_of(socket, SO_DOMAIN);
  return domain == AF_INET || domain == AF_INET6;
}

}  // namespace

bool is_connecting_call(int number) {
  return number == __NR_connect || number == __NR_sendto || number == __NR_sendmsg ||
         number == __NR_sendmmsg;
}

std::optional<int> ConnectWatch::attend(const seccomp_notif& notification) {
  const auto number_of = [this](const std::optional<ProcessStatus>& status) {
    if (!status) return events::CallerTable::kUnknown;
    return callers_.add({processes_.actor_of(*status), describe_process(status->id.pid)});
  };
  const auto* known = known_.find_or_learn(notification, channel_, number_of);
  if (known == nullptr) return std::nullopt;
  const int fd = static_cast<int>(notification.data.args[0]);
  const base::UniqueFd socket(
      static_cast<int>(::syscall(SYS_pidfd_getfd, known->pidfd.get(), fd, 0)));
  if (!socket) return std::nullopt;
  const bool tcp = is_tcp(socket.get());
  if (!tcp && !is_internet_socket(socket.get())) return std::nullopt;
  // Only a thread that still waits says that all this was of the right process.
  if (!channel_.is_valid(notification.id)) return std::nullopt;
  // Also if it is unknown: another's mark from an earlier connect(2) must not stay.
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &known->value, sizeof known->value);
  if (!tcp || notification.data.nr != __NR_connect || !connects_for_callers_) return std::nullopt;
  return connect_for(notification, socket.get());
}

}  // namespace sandbox_run::watch
