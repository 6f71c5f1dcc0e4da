#include "namespace_support.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>

#include "base/io.h"
#include "base/sys_error.h"
#include "broker/dns_message.h"
#include "sandbox/refusal_socket.h"

namespace sandbox_run::broker::test {
namespace {

using base::check_sys;
using base::UniqueFd;

void bring_loopback_up() {
  const UniqueFd socket(check_sys(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  check_sys(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "bringing lo up");
}

/// `ip route add local default dev lo table local`
void make_every_address_local(unsigned char family) {
  struct {
    nlmsghdr header;
    rtmsg route;
    rtattr attribute;
    unsigned device;
  } request{};
  request.header = {.nlmsg_len = sizeof request,
                    .nlmsg_type = RTM_NEWROUTE,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
                    .nlmsg_seq = 1,
                    .nlmsg_pid = 0};
  request.route.rtm_family = family;
  request.route.rtm_table = RT_TABLE_LOCAL;
  request.route.rtm_protocol = RTPROT_STATIC;
  request.route.rtm_scope = RT_SCOPE_HOST;
  request.route.rtm_type = RTN_LOCAL;
  request.attribute = {.rta_len = RTA_LENGTH(sizeof(unsigned)), .rta_type = RTA_OIF};
  request.device = ::if_nametoindex("lo");
  const UniqueFd socket(
      check_sys(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "netlink socket"));
  check_sys(::send(socket.get(), &request, sizeof request, 0), "asking for a route");
  struct {
    nlmsghdr header;
    nlmsgerr error;
    std::array<char, 512> rest;
  } answer{};
  check_sys(::recv(socket.get(), &answer, sizeof answer, 0), "reading netlink's answer");
  if (answer.error.error != 0) throw base::SysError(-answer.error.error, "adding a local route");
}

/// User and network namespace, the caller's ids mapped to themselves. Throws SysError.
void enter_namespace() {
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  check_sys(::unshare(CLONE_NEWUSER | CLONE_NEWNET), "making namespaces");
  base::write_file("/proc/self/setgroups", "deny", 0);
  base::write_file("/proc/self/uid_map", user + " " + user + " 1", 0);
  base::write_file("/proc/self/gid_map", group + " " + group + " 1", 0);
  bring_loopback_up();
  make_every_address_local(AF_INET);
  make_every_address_local(AF_INET6);
  for (const char* setting :
       {"ipv4/tcp_fwmark_accept", "ipv4/fwmark_reflect", "ipv6/fwmark_reflect"}) {
    base::write_file(std::string("/proc/sys/net/") + setting, "1", 0);
  }
}

UniqueFd wildcard_socket(ListeningSocket::Kind kind, bool ipv6, std::uint16_t port) {
  const bool datagram = kind == ListeningSocket::Kind::dns_udp;
  UniqueFd socket(
      check_sys(::socket(ipv6 ? AF_INET6 : AF_INET,
                         (datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                "socket"));
  const int on = 1;
  if (ipv6) {
    check_sys(::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), "V6ONLY");
  }
  const Address wildcard = Address::parse(ipv6 ? "::" : "0.0.0.0").value();
  const SocketAddress address = to_sockaddr({wildcard, port});
  check_sys(::bind(socket.get(), address.get(), address.length), "bind");
  if (!datagram) check_sys(::listen(socket.get(), SOMAXCONN), "listen");
  return socket;
}

UniqueFd inner_socket(ListeningSocket::Kind kind, bool ipv6, std::uint16_t port) {
  const int family = ipv6 ? AF_INET6 : AF_INET;
  switch (kind) {
    case ListeningSocket::Kind::refused_tcp:
      return sandbox::make_refusal_socket(family, sandbox::Refused::tcp);
    case ListeningSocket::Kind::refused_udp:
      return sandbox::make_refusal_socket(family, sandbox::Refused::udp);
    case ListeningSocket::Kind::multicast:
      return sandbox::make_multicast_socket(family);
    default:
      return wildcard_socket(kind, ipv6, port);
  }
}

struct Wanted {
  ListeningSocket::Kind kind;
  std::uint16_t port;
};

std::vector<Wanted> wanted_sockets(const std::vector<std::uint16_t>& ports) {
  std::vector<Wanted> wanted = {{ListeningSocket::Kind::dns_udp, 53},
                                {ListeningSocket::Kind::dns_tcp, 53},
                                {ListeningSocket::Kind::refused_tcp, 0},
                                {ListeningSocket::Kind::refused_udp, 0},
                                {ListeningSocket::Kind::multicast, 0}};
  for (const std::uint16_t port : ports) wanted.push_back({ListeningSocket::Kind::tcp, port});
  return wanted;
}

/// The child's whole life. The report is "ok: …" or "failed: …".
void live_inside(int channel, const std::vector<std::uint16_t>& ports,
                 const std::function<std::string()>& client) {
  std::string report;
  try {
    enter_namespace();
    std::vector<UniqueFd> owned;
    std::vector<int> fds;
    for (const auto& [kind, port] : wanted_sockets(ports)) {
      for (const bool ipv6 : {false, true}) {
        owned.push_back(inner_socket(kind, ipv6, port));
        fds.push_back(owned.back().get());
      }
    }
    base::send_fds(channel, "sockets", fds);
    owned.clear();
    if (base::receive_fds(channel).bytes != "go") return;  // the test has failed already
    report = client();
  } catch (const std::exception& exception) {
    report = std::string("failed: ") + exception.what();
  }
  base::send_fds(channel, report.empty() ? "(nothing)" : report, {});
}

}  // namespace

bool enter_outer_namespace() {
  static const std::optional<std::string> refused = []() -> std::optional<std::string> {
    try {
      enter_namespace();
      return std::nullopt;
    } catch (const base::SysError& error) {
      return error.what();
    }
  }();
  if (!refused) return true;
  const std::string reason = "skipped: " + *refused;
  const char* must_work = std::getenv("SANDBOX_RUN_MUST_WORK");
  if (must_work != nullptr && std::string_view(must_work) == "1") FAIL(reason);
  MESSAGE(reason);
  return false;
}

Sandbox::Sandbox(const std::vector<std::uint16_t>& ports, std::function<std::string()> client) {
  base::SocketPair pair = base::make_socket_pair();
  child_ = check_sys(::fork(), "fork");
  if (child_ == 0) {
    pair.ours.reset();
    try {
      live_inside(pair.theirs.get(), ports, client);
    } catch (const std::exception&) {
      // The test is gone; nothing of doctest may run on in the child.
    }
    ::_exit(0);
  }
  channel_ = std::move(pair.ours);
  pair.theirs.reset();
  base::ReceivedFds received = base::receive_fds(channel_.get());
  const auto wanted = wanted_sockets(ports);
  if (received.fds.size() != 2 * wanted.size()) throw std::runtime_error(received.bytes);
  for (std::size_t i = 0; i < received.fds.size(); ++i) {
    sockets_.push_back(
        {std::move(received.fds[i]), wanted[i / 2].kind, i % 2 == 1, wanted[i / 2].port});
  }
}

Sandbox::~Sandbox() {
  channel_.reset();
  ::waitpid(child_, nullptr, 0);
}

std::string Sandbox::run(EventLoop& loop) {
  base::send_fds(channel_.get(), "go", {});
  std::string report;
  loop.on_readable(channel_.get(), [&] {
    report = base::receive_fds(channel_.get()).bytes;
    loop.stop();
    return false;
  });
  loop.run();
  return report;
}

NameServer::NameServer(Names names)
    : names_(std::move(names)),
      socket_(bind_datagram({Address::parse("0.0.0.0").value(), 53})),
      stop_(base::make_pipe()),
      thread_([this] { serve(); }) {}

NameServer::~NameServer() {
  stop_.write_end.reset();
  thread_.join();
}

void NameServer::serve() {
  for (;;) {
    std::array<pollfd, 2> wanted{pollfd{socket_.get(), POLLIN, 0},
                                 pollfd{stop_.read_end.get(), POLLIN, 0}};
    if (::poll(wanted.data(), wanted.size(), -1) < 0) continue;
    if (wanted[1].revents != 0) return;
    Bytes bytes(4096);
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const ssize_t count = ::recvfrom(socket_.get(), bytes.data(), bytes.size(), 0,
                                     reinterpret_cast<sockaddr*>(&peer), &length);
    if (count <= 0) continue;
    const auto query = parse_dns_query(std::span(bytes).first(static_cast<std::size_t>(count)));
    if (!query || !query->question) continue;
    DnsAnswer answer{.rcode = Rcode::name_error, .ttl = 0};
    Bytes more;  // further records of the answer
    int records = 0;
    if (const auto found = names_.find(query->question->name); found != names_.end()) {
      answer.rcode = Rcode::no_error;
      for (const std::string& text : found->second) {
        const Address address = Address::parse(text).value();
        if (address.is_ipv6() != (query->question->type == dns_type::kAaaa)) continue;
        const auto raw = address.bytes();
        if (++records == 1) {
          answer.address.assign(raw.begin(), raw.end());
        } else {
          const Bytes head{0xc0, 12, 0, static_cast<std::uint8_t>(query->question->type),
                           0,    1,  0, 0,
                           0,    0,  0, static_cast<std::uint8_t>(raw.size())};
          more.insert(more.end(), head.begin(), head.end());
          more.insert(more.end(), raw.begin(), raw.end());
        }
      }
    }
    DnsQuery plain = *query;
    plain.edns = false;  // so that records can be put at the end
    Bytes response = build_dns_response(plain, answer);
    response[7] = static_cast<std::uint8_t>(records);
    response.insert(response.end(), more.begin(), more.end());
    (void)::sendto(socket_.get(), response.data(), response.size(), 0,
                   reinterpret_cast<const sockaddr*>(&peer), length);
  }
}

bool NameServer::is_used() {
  const NameServer server(Names{{"probe.example.net", {"203.0.113.99"}}});
  addrinfo hints{};
  hints.ai_family = AF_INET;
  addrinfo* list = nullptr;
  if (::getaddrinfo("probe.example.net", nullptr, &hints, &list) != 0) return false;
  ::freeaddrinfo(list);
  return true;
}

}  // namespace sandbox_run::broker::test
