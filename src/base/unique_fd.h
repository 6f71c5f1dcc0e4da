#pragma once

#include <sys/socket.h>

#include <utility>

namespace sandbox_run::base {

/// Owns one file descriptor; closes it when destroyed. Move-only. -1 means "none".
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  /// Gives the descriptor up: the caller closes it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};

/// pipe2(2) with O_CLOEXEC and `extra_flags`. Throws SysError.
Pipe make_pipe(int extra_flags = 0);

/// socketpair(2), AF_UNIX, close-on-exec; SOCK_SEQPACKET keeps message boundaries. Throws SysError.
SocketPair make_socket_pair(int type = SOCK_SEQPACKET);

/// A close-on-exec duplicate. Throws SysError.
UniqueFd duplicate(int fd);

}  // namespace sandbox_run::base
