#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sys_error.h"

namespace sandbox_run::base {

void UniqueFd::reset(int fd) noexcept {
  if (fd_ >= 0) ::close(fd_);  // an error of close() leaves nothing to do: the descriptor is gone
  fd_ = fd;
}

Pipe make_pipe(int extra_flags) {
  int ends[2];
  check_sys(::pipe2(ends, O_CLOEXEC | extra_flags), "making a pipe");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

SocketPair make_socket_pair(int type) {
  int ends[2];
  check_sys(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), "making a socket pair");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

UniqueFd duplicate(int fd) {
  return UniqueFd(check_sys(::fcntl(fd, F_DUPFD_CLOEXEC, 3), "duplicating a descriptor"));
}

}  // namespace sandbox_run::base
