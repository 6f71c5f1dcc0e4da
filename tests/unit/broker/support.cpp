#include "support.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <stdexcept>
#include <utility>

#include "base/scope_exit.h"
#include "base/sys_error.h"

namespace sandbox_run::broker::test {

using base::check_sys;
using base::UniqueFd;

void MemorySink::record(const events::Event& event) {
  events_.push_back(event);
  if (on_event_) on_event_();
}

std::vector<events::Event> MemorySink::of_type(std::string_view type) const {
  std::vector<events::Event> result;
  std::copy_if(events_.begin(), events_.end(), std::back_inserter(result),
               [&](const events::Event& event) { return event.type == type; });
  return result;
}

void MemorySink::run_until(EventLoop& loop, std::string_view type, std::size_t wanted) {
  if (count(type) >= wanted) return;
  on_event_ = [&] {
    if (count(type) >= wanted) loop.stop();
  };
  const base::ScopeExit forget([&] { on_event_ = nullptr; });
  loop.run();
}

std::string text_of(const events::Event& event, std::string_view key) {
  const base::json::value* value = event.details.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

std::int64_t number_of(const events::Event& event, std::string_view key) {
  const base::json::value* value = event.details.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : -1;
}

const events::CallerTable& nobody() {
  static const events::CallerTable callers;
  return callers;
}

policy::EgressRule rule(std::string_view host, std::vector<std::uint16_t> ports,
                        policy::EgressRule::Origin origin) {
  return {policy::HostPattern::parse(host), std::move(ports), origin,
          policy::EgressRule::Protocol::any};
}

policy::EgressRule pinned_rule(std::string_view host, std::vector<std::uint16_t> ports) {
  return {policy::HostPattern::parse(host), std::move(ports)};
}

void run_beside(EventLoop& loop, std::function<void()> work) {
  std::exception_ptr failure;
  base::Pipe done = base::make_pipe();
  std::thread thread([&] {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    done.write_end.reset();
  });
  loop.on_readable(done.read_end.get(), [&] {
    loop.stop();
    return false;
  });
  loop.run();
  thread.join();
  if (failure) std::rethrow_exception(failure);
}

namespace {

UniqueFd bound_socket(const Endpoint& endpoint, int type) {
  const int family = endpoint.address.is_ipv6() ? AF_INET6 : AF_INET;
  UniqueFd socket(check_sys(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  const int on = 1;
  if (family == AF_INET6) {
    check_sys(::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), "V6ONLY");
  }
  const SocketAddress address = to_sockaddr(endpoint);
  check_sys(::bind(socket.get(), address.get(), address.length), "bind");
  return socket;
}

}  // namespace

UniqueFd listen_on(const Endpoint& endpoint, int backlog) {
  UniqueFd socket = bound_socket(endpoint, SOCK_STREAM);
  check_sys(::listen(socket.get(), backlog), "listen");
  return socket;
}

UniqueFd bind_datagram(const Endpoint& endpoint) { return bound_socket(endpoint, SOCK_DGRAM); }

std::uint16_t port_of(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  check_sys(::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length), "getsockname");
  return from_sockaddr(storage).value().port;
}

UniqueFd connect_to(const Endpoint& endpoint, int type) {
  const int family = endpoint.address.is_ipv6() ? AF_INET6 : AF_INET;
  UniqueFd socket(check_sys(::socket(family, type | SOCK_CLOEXEC, 0), "socket"));
  const timeval patience{.tv_sec = 30, .tv_usec = 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    check_sys(::setsockopt(socket.get(), SOL_SOCKET, option, &patience, sizeof patience), "option");
  }
  const SocketAddress address = to_sockaddr(endpoint);
  check_sys(::connect(socket.get(), address.get(), address.length), "connect");
  return socket;
}

UniqueFd connect_tcp(const Endpoint& endpoint) { return connect_to(endpoint, SOCK_STREAM); }

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count =
        check_sys(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL), "send");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string receive_exactly(int socket, std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const ssize_t got = check_sys(::recv(socket, bytes.data() + have, count - have, 0), "recv");
    if (got == 0) throw std::runtime_error("end of file too early");
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::string receive_to_end(int socket) {
  std::string bytes;
  std::vector<char> buffer(1 << 16);
  for (;;) {
    const ssize_t got = check_sys(::recv(socket, buffer.data(), buffer.size(), 0), "recv");
    if (got == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

int receive_error(int socket) {
  char byte = 0;
  return ::recv(socket, &byte, 1, 0) < 0 ? errno : 0;
}

void close_with_reset(UniqueFd socket) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  check_sys(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now), "linger");
}

std::string noise(std::size_t size, std::uint32_t seed) {
  std::string bytes(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

Server::Server(Handler handler, const Endpoint& endpoint)
    : socket_(listen_on(endpoint)), stop_(base::make_pipe()), port_(port_of(socket_.get())) {
  acceptor_ = std::thread([this, handler = std::move(handler)] { accept_all(handler); });
}

Server::~Server() {
  stop_.write_end.reset();
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
}

void Server::accept_all(const Handler& handler) {
  for (;;) {
    std::array<pollfd, 2> wanted{pollfd{socket_.get(), POLLIN, 0},
                                 pollfd{stop_.read_end.get(), POLLIN, 0}};
    if (::poll(wanted.data(), wanted.size(), -1) < 0) continue;
    if (wanted[1].revents != 0) return;
    UniqueFd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    (void)::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connections_.emplace_back([handler, socket = std::move(client)]() mutable {
      try {
        handler(std::move(socket));
      } catch (const std::exception&) {
        // The client went away: what that means is for the test to say.
      }
    });
  }
}

void echo(UniqueFd socket) {
  std::vector<char> buffer(1 << 16);
  for (;;) {
    const ssize_t got = check_sys(::recv(socket.get(), buffer.data(), buffer.size(), 0), "recv");
    if (got == 0) return;
    send_all(socket.get(), {buffer.data(), static_cast<std::size_t>(got)});
  }
}

ListeningSocket loopback_listener(std::uint16_t port) {
  return {listen_on({second_loopback(), port}), ListeningSocket::Kind::tcp, false, port};
}

namespace {

void put16(Bytes& bytes, unsigned value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8U));
  bytes.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

unsigned get16(const Bytes& bytes, std::size_t offset) {
  return static_cast<unsigned>(bytes.at(offset)) << 8U | bytes.at(offset + 1);
}

}  // namespace

Bytes dns_name(std::string_view dotted) {
  Bytes bytes;
  while (!dotted.empty()) {
    const std::string_view label = dotted.substr(0, dotted.find('.'));
    bytes.push_back(static_cast<std::uint8_t>(label.size()));
    bytes.insert(bytes.end(), label.begin(), label.end());
    dotted.remove_prefix(std::min(dotted.size(), label.size() + 1));
  }
  bytes.push_back(0);
  return bytes;
}

Bytes dns_query(std::string_view name, std::uint16_t type, std::uint16_t id, std::uint16_t klass) {
  Bytes bytes;
  for (const unsigned value : {static_cast<unsigned>(id), 0x0100U, 1U, 0U, 0U, 0U}) {
    put16(bytes, value);
  }
  const Bytes encoded = dns_name(name);
  bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  put16(bytes, type);
  put16(bytes, klass);
  return bytes;
}

DnsResult read_dns_response(const Bytes& message) {
  DnsResult result;
  result.id = static_cast<std::uint16_t>(get16(message, 0));
  const unsigned flags = get16(message, 2);
  if ((flags & 0x8000U) == 0) throw std::runtime_error("not a response");
  result.rcode = static_cast<int>(flags & 0xfU);
  result.questions = static_cast<int>(get16(message, 4));
  std::size_t offset = 12;
  if (result.questions == 1) {
    const std::size_t start = offset;
    while (message.at(offset) != 0) offset += 1U + message.at(offset);
    ++offset;
    result.question.assign(message.begin() + static_cast<std::ptrdiff_t>(start),
                           message.begin() + static_cast<std::ptrdiff_t>(offset));
    offset += 4;
  }
  for (unsigned answers = get16(message, 6); answers > 0; --answers) {
    const unsigned size = get16(message, offset + 10);
    result.addresses.emplace_back(std::span(message).subspan(offset + 12, size));
    offset += 12 + size;
  }
  return result;
}

Bytes ask_udp(const Endpoint& server, const Bytes& query) {
  const UniqueFd socket = connect_to(server, SOCK_DGRAM);
  check_sys(::send(socket.get(), query.data(), query.size(), 0), "send");
  Bytes answer(65536);
  answer.resize(static_cast<std::size_t>(
      check_sys(::recv(socket.get(), answer.data(), answer.size(), 0), "recv")));
  return answer;
}

Bytes ask_tcp(int connection, const Bytes& query) {
  Bytes framed;
  put16(framed, static_cast<unsigned>(query.size()));
  framed.insert(framed.end(), query.begin(), query.end());
  send_all(connection, {reinterpret_cast<const char*>(framed.data()), framed.size()});
  const std::string length = receive_exactly(connection, 2);
  const std::string answer = receive_exactly(
      connection, static_cast<std::size_t>(static_cast<std::uint8_t>(length[0])) << 8U |
                      static_cast<std::uint8_t>(length[1]));
  return {answer.begin(), answer.end()};
}

}  // namespace sandbox_run::broker::test
