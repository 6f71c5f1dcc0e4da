#include "broker/upstream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/format.h"
#include "base/sys_error.h"

namespace sandbox_run::broker {
namespace {

base::UniqueFd make_socket(const Address& address) {
  const int family = address.is_ipv6() ? AF_INET6 : AF_INET;
  base::UniqueFd socket(
      base::check_sys(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP),
                      "making a socket"));
  // To a proxy or registry on this machine, as inside: see set_network_settings() in sandbox/.
  constexpr std::string_view kOnLoopback = "reno";
  if (address.is_loopback()) {
    (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_CONGESTION, kOnLoopback.data(),
                       kOnLoopback.size());
  }
  return socket;
}

/// The outcome of a connect(2) under way: 0, an errno, or EINPROGRESS.
int outcome_of(int socket) {
  pollfd entry{.fd = socket, .events = POLLOUT, .revents = 0};
  if (::poll(&entry, 1, 0) != 1) return EINPROGRESS;
  if (entry.revents == POLLOUT) return 0;
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

/// 0, an errno, or EINPROGRESS. On loopback it is done already, and no event need be waited for.
int begin_connect(int socket, const Endpoint& endpoint) {
  const SocketAddress target = to_sockaddr(endpoint);
  if (::connect(socket, target.get(), target.length) == 0) return 0;
  return errno == EINPROGRESS ? outcome_of(socket) : errno;
}

class Race : public std::enable_shared_from_this<Race> {
 public:
  Race(const asio::any_io_executor& executor, std::vector<Address> addresses, std::uint16_t port,
       const Limits& limits)
      : addresses_(std::move(addresses)),
        port_(port),
        limits_(limits),
        next_turn_(executor),
        finished_(executor) {
    finished_.expires_at(std::chrono::steady_clock::time_point::max());
  }

  /// Begins attempts until one is under way or has succeeded.
  void go_on() {
    while (!over_ && next_ < addresses_.size()) {
      if (attempt(next_++)) break;
    }
    if (over_) return;
    if (next_ < addresses_.size()) return wait_for_turn(limits_.connect_head_start);
    if (running_ > 0) return wait_for_turn(limits_.connect_timeout);
    end();
  }

  asio::awaitable<Upstream> result() {
    if (!over_) co_await finished_.async_wait(kAwait);
    co_return std::move(result_);
  }

 private:
  /// true: it is under way.
  bool attempt(std::size_t index) {
    try {
      base::UniqueFd socket = make_socket(addresses_[index]);
      const int error = begin_connect(socket.get(), {addresses_[index], port_});
      if (error == EINPROGRESS) {
        watch_attempt(index, std::move(socket));
        return true;
      }
      judge(index, error, std::move(socket));
    } catch (const base::SysError& failure) {  // no descriptors left, no IPv6 in the host's kernel
      judge(index, failure.error_number(), {});
    }
    return false;
  }

  void watch_attempt(std::size_t index, base::UniqueFd socket) {
    const auto descriptor = std::make_shared<Descriptor>(
        watch(finished_.get_executor(), base::duplicate(socket.get())));
    attempts_.push_back(descriptor);
    ++running_;
    auto held = std::make_shared<base::UniqueFd>(std::move(socket));
    descriptor->async_wait(Descriptor::wait_write, [self = shared_from_this(), index,
                                                    held](boost::system::error_code error) {
      if (error || self->over_) return;
      --self->running_;
      const int outcome = outcome_of(held->get());  // before the move: arguments have no order
      self->judge(index, outcome, std::move(*held));
      self->go_on();
    });
  }

  void judge(std::size_t index, int error, base::UniqueFd socket) {
    if (over_) return;
    if (error == 0) {
      result_.socket = std::move(socket);
      result_.address = addresses_[index];
      return end();
    }
    result_.error = base::format("connecting to {} port {}: {}", addresses_[index].text(), port_,
                                 std::generic_category().message(error));
  }

  void wait_for_turn(std::chrono::milliseconds time) {
    next_turn_.expires_after(time);
    next_turn_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (error || self->over_) return;
      if (self->next_ < self->addresses_.size()) return self->go_on();
      self->judge(self->addresses_.size() - 1, ETIMEDOUT, {});
      self->end();
    });
  }

  void end() {
    over_ = true;
    for (const auto& attempt : attempts_) {
      boost::system::error_code ignored;  // a connection that nobody wants any more
      attempt->close(ignored);
    }
    attempts_.clear();
    next_turn_.cancel();
    finished_.cancel();
  }

  std::vector<Address> addresses_;
  std::uint16_t port_;
  Limits limits_;
  asio::steady_timer next_turn_;
  asio::steady_timer finished_;  // never expires: cancelled when the result is there
  std::vector<std::shared_ptr<Descriptor>> attempts_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  bool over_ = false;
  Upstream result_;
};

}  // namespace

std::vector<Address> interleave_families(const std::vector<Address>& addresses) {
  std::vector<Address> first;
  std::vector<Address> second;
  for (const Address& address : addresses) {
    (address.is_ipv6() == addresses.front().is_ipv6() ? first : second).push_back(address);
  }
  std::vector<Address> result;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) result.push_back(first[i]);
    if (i < second.size()) result.push_back(second[i]);
  }
  return result;
}

asio::awaitable<Upstream> connect_upstream(std::vector<Address> addresses, std::uint16_t port,
                                           Limits limits) {
  const auto race = std::make_shared<Race>(co_await asio::this_coro::executor,
                                           interleave_families(addresses), port, limits);
  race->go_on();
  Upstream upstream = co_await race->result();
  if (upstream.socket) {
    // Both ends' Nagle is off: what comes in goes out, a relay must not add a round trip.
    const int on = 1;
    (void)::setsockopt(upstream.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  co_return upstream;
}

}  // namespace sandbox_run::broker
