#include "base/io.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/sys_error.h"

namespace sandbox_run::base {
namespace {

constexpr std::size_t kMaxPassedFds = 64;

}  // namespace

std::string read_all(int fd, std::size_t max_bytes, std::string_view doing) {
  std::string text;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      throw SysError(doing);
    }
    if (got == 0) return text;
    if (text.size() + static_cast<std::size_t>(got) > max_bytes) throw SysError(EFBIG, doing);
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string read_file(const std::string& path, std::size_t max_bytes) {
  const std::string doing = "reading " + path;
  const UniqueFd fd(check_sys(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY), doing));
  return read_all(fd.get(), max_bytes, doing);
}

std::optional<std::string> read_file_if_readable(const std::string& path, std::size_t max_bytes) {
  try {
    return read_file(path, max_bytes);
  } catch (const SysError& error) {
    switch (error.error_number()) {
      case ENOENT:
      case ENOTDIR:
      case EACCES:
        return std::nullopt;
      default:
        throw;
    }
  }
}

void write_full(int fd, std::string_view bytes, std::string_view doing) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) throw SysError(doing);
      pollfd writable{fd, POLLOUT, 0};  // somebody made it non-blocking
      ::poll(&writable, 1, -1);
      continue;
    }
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

void write_file(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string doing = "writing " + path;
  const UniqueFd fd(check_sys(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode), doing));
  write_full(fd.get(), bytes, doing);
}

void write_file_atomically(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string temporary = path + ".new." + std::to_string(::getpid());
  (void)::unlink(temporary.c_str());  // of a process of that number that died here
  write_file(temporary, bytes, mode);
  check_sys(::rename(temporary.c_str(), path.c_str()), "renaming " + temporary);
}

void send_fds(int socket, std::string_view bytes, const std::vector<int>& fds) {
  if (fds.size() > kMaxPassedFds) throw SysError(EINVAL, "passing descriptors");
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxPassedFds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) throw SysError("passing descriptors");
  }
}

ReceivedFds receive_fds(int socket) {
  std::array<char, 4096> buffer;
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxPassedFds * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  while ((got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno != EINTR) throw SysError("receiving descriptors");
  }
  ReceivedFds received;
  received.bytes.assign(buffer.data(), static_cast<std::size_t>(got));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      received.fds.emplace_back(fd);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    throw SysError(EMSGSIZE, "receiving descriptors");
  }
  return received;
}

}  // namespace sandbox_run::base
