#include "watch/notification.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/sys_error.h"

namespace sandbox_run::watch {
namespace {

std::vector<std::uint64_t> buffer_of(std::size_t kernel_size, std::size_t our_size) {
  const std::size_t size = std::max(kernel_size, our_size);
  return std::vector<std::uint64_t>((size + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
}

}  // namespace

NotificationChannel::NotificationChannel(int listener) : listener_(listener) {
  seccomp_notif_sizes sizes{};
  base::check_sys(::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes),
                  "asking for the size of seccomp notifications");
  // The supervisor wakes on the caller's own processor and the other way round: they take turns
  // (seccomp_unotify(2), since Linux 6.6). Without it they do as well, a little later.
  constexpr std::uint64_t kSyncWakeUp = 1;
  (void)::ioctl(listener_, SECCOMP_IOW(4, std::uint64_t), kSyncWakeUp);
  request_ = buffer_of(sizes.seccomp_notif, sizeof(seccomp_notif));
  response_ = buffer_of(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp));
}

NotificationChannel::State NotificationChannel::state() const {
  pollfd poll{listener_, POLLIN, 0};
  int ready = 0;
  while ((ready = ::poll(&poll, 1, 0)) < 0 && errno == EINTR) {
  }
  base::check_sys(ready, "looking for exec notifications");
  if ((poll.revents & POLLIN) != 0) return State::pending;
  return (poll.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 ? State::dead : State::idle;
}

std::optional<seccomp_notif> NotificationChannel::receive() {
  std::fill(request_.begin(), request_.end(), 0);  // the kernel insists on zeroes
  while (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, request_.data()) != 0) {
    if (errno == ENOENT) return std::nullopt;
    if (errno != EINTR) throw base::SysError("receiving an exec notification");
  }
  seccomp_notif notification{};
  std::memcpy(&notification, request_.data(), sizeof(notification));
  return notification;
}

bool NotificationChannel::is_valid(std::uint64_t id) const {
  return ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

void NotificationChannel::let_go_on(std::uint64_t id) {
  seccomp_notif_resp response{};
  response.id = id;
  response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  answer(response);
}

void NotificationChannel::refuse(std::uint64_t id, int error) {
  seccomp_notif_resp response{};
  response.id = id;
  response.error = -error;
  answer(response);
}

void NotificationChannel::answer(const seccomp_notif_resp& response) {
  std::fill(response_.begin(), response_.end(), 0);
  std::memcpy(response_.data(), &response, sizeof(response));
  while (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, response_.data()) != 0) {
    if (errno == ENOENT) return;
    if (errno != EINTR) throw base::SysError("answering an exec notification");
  }
}

}  // namespace sandbox_run::watch
