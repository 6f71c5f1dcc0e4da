#include "events/sinks/log_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/scope_exit.h"

namespace sandbox_run::events {
namespace {

using std::chrono::steady_clock;

/// True if it came to that before the deadline.
bool wait_for(int fd, short what, LogSocket::Deadline deadline) {
  pollfd ready{fd, what, 0};
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
  return ::poll(&ready, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000))) > 0;
}

}  // namespace

HostPort split_address(std::string_view where, std::string_view default_port) {
  std::string_view rest = where.substr(where.find("://") + 3);
  HostPort result{"", std::string(default_port)};
  const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
  const std::size_t host_end =
      bracket == std::string_view::npos ? rest.find(':') : rest.find(':', bracket);
  result.host =
      bracket == std::string_view::npos ? rest.substr(0, host_end) : rest.substr(1, bracket - 1);
  if (host_end != std::string_view::npos) result.port = rest.substr(host_end + 1);
  return result;
}

LogSocket::Result LogSocket::fail(int error_number) {
  error_ = std::generic_category().message(error_number);
  socket_.reset();
  return error_number == ETIMEDOUT ? Result::timed_out : Result::failed;
}

LogSocket::Result LogSocket::connect(Deadline deadline) {
  return is_local() ? connect_unix() : connect_network(deadline);
}

LogSocket::Result LogSocket::connect_unix() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (where_.size() >= sizeof address.sun_path) return fail(ENAMETOOLONG);
  std::memcpy(address.sun_path, where_.data(), where_.size());
  socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) return fail(errno);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(errno);
  }
  return Result::sent;
}

LogSocket::Result LogSocket::connect_network(Deadline deadline) {
  const HostPort to = split_address(where_, default_port_);
  addrinfo hints{};
  hints.ai_socktype = is_stream() ? SOCK_STREAM : SOCK_DGRAM;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &list);
      error != 0) {
    error_ = to.host + ": " + ::gai_strerror(error);
    return Result::failed;
  }
  const base::ScopeExit free_list([&] { ::freeaddrinfo(list); });
  Result result = fail(EADDRNOTAVAIL);
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    socket_.reset(::socket(item->ai_family, item->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) {
      result = fail(errno);
      continue;
    }
    if (::connect(socket_.get(), item->ai_addr, item->ai_addrlen) == 0) return Result::sent;
    if (errno != EINPROGRESS) {
      result = fail(errno);
      continue;
    }
    if (!wait_for(socket_.get(), POLLOUT, deadline)) return fail(ETIMEDOUT);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return Result::sent;
    result = fail(error);
  }
  return result;
}

/// A log daemon says nothing: what can be read of a stream is its end. Without a look the first
/// message after a restart of the daemon would be written into nowhere.
bool LogSocket::peer_has_closed() const {
  char byte = 0;
  return is_stream() && ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

LogSocket::Result LogSocket::send(std::string_view message, Deadline deadline) {
  if (socket_ && peer_has_closed()) socket_.reset();
  if (!socket_) {
    const Result connected = connect(deadline);
    if (connected != Result::sent) return connected;
  }
  while (!message.empty()) {
    const ssize_t put = ::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL);
    if (put >= 0) {
      message.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EMSGSIZE) {
      error_ = std::generic_category().message(EMSGSIZE);
      return Result::too_large;
    } else if (errno == EAGAIN || errno == ENOBUFS) {
      if (!wait_for(socket_.get(), POLLOUT, deadline)) return fail(ETIMEDOUT);
    } else if (errno != EINTR) {
      return fail(errno);
    }
  }
  return Result::sent;
}

}  // namespace sandbox_run::events
