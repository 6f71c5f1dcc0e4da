#include "sandbox/network.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/io.h"
#include "base/sys_error.h"
#include "sandbox/inner_socket_record.h"
#include "sandbox/namespace_settings.h"
#include "sandbox/refusal_socket.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using base::SysError;
using base::UniqueFd;

constexpr int kBacklog = 1024;

/// libnl's error codes are its own; this is the nearest errno for the message.
void check_nl(int result, const std::string& doing) {
  if (result < 0) throw SysError(EPERM, doing + " (" + nl_geterror(result) + ")");
}

struct NlDeleter {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
  void operator()(rtnl_link* link) const { rtnl_link_put(link); }
  void operator()(rtnl_route* route) const { rtnl_route_put(route); }
  void operator()(rtnl_nexthop* hop) const { rtnl_route_nh_free(hop); }
  void operator()(nl_addr* address) const { nl_addr_put(address); }
};
template <typename T>
using NlPtr = std::unique_ptr<T, NlDeleter>;

void raise_link(nl_sock* socket, int index) {
  const NlPtr<rtnl_link> link(rtnl_link_alloc());
  const NlPtr<rtnl_link> change(rtnl_link_alloc());
  rtnl_link_set_ifindex(link.get(), index);
  rtnl_link_set_flags(change.get(), IFF_UP);
  check_nl(rtnl_link_change(socket, link.get(), change.get(), 0), "bringing lo up");
}

void add_local_default(nl_sock* socket, int family, int index) {
  const NlPtr<rtnl_route> route(rtnl_route_alloc());
  const NlPtr<nl_addr> everything(nl_addr_build(family, nullptr, 0));
  nl_addr_set_prefixlen(everything.get(), 0);
  rtnl_route_set_family(route.get(), static_cast<std::uint8_t>(family));
  rtnl_route_set_table(route.get(), RT_TABLE_LOCAL);
  rtnl_route_set_type(route.get(), RTN_LOCAL);
  rtnl_route_set_scope(route.get(), RT_SCOPE_HOST);
  check_nl(rtnl_route_set_dst(route.get(), everything.get()), "describing a route");
  NlPtr<rtnl_nexthop> hop(rtnl_route_nh_alloc());
  rtnl_route_nh_set_ifindex(hop.get(), index);
  rtnl_route_add_nexthop(route.get(), hop.release());  // the route owns it now
  check_nl(
      rtnl_route_add(socket, route.get(), NLM_F_CREATE | NLM_F_REPLACE),
      family == AF_INET ? "routing all IPv4 addresses to lo" : "routing all IPv6 addresses to lo");
}

bool has_ipv6() {
  const UniqueFd probe(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return static_cast<bool>(probe);
}

UniqueFd bound_socket(int family, int type, std::uint16_t port) {
  const std::string doing = "listening on port " + std::to_string(port) + " inside";
  UniqueFd fd(check_sys(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), doing));
  const int on = 1;
  check_sys(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), doing);
  if (family == AF_INET6) {
    check_sys(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), doing);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    check_sys(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), doing);
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    check_sys(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), doing);
  }
  if (type == SOCK_STREAM) {
    check_sys(::listen(fd.get(), kBacklog), doing);
  } else {
    // The answer must leave from the address that was asked.
    if (family == AF_INET6) {
      check_sys(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on), doing);
    } else {
      check_sys(::setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on), doing);
    }
  }
  return fd;
}

}  // namespace

void raise_loopback(const plan::Plan&, ChildContext&) {
  const NlPtr<nl_sock> socket(nl_socket_alloc());
  check_nl(nl_connect(socket.get(), NETLINK_ROUTE), "talking to the kernel's routing");
  const int index = static_cast<int>(::if_nametoindex("lo"));
  if (index == 0) throw SysError("finding lo");
  raise_link(socket.get(), index);
  add_local_default(socket.get(), AF_INET, index);
  if (has_ipv6()) add_local_default(socket.get(), AF_INET6, index);
}

void set_network_settings(const plan::Plan& plan, ChildContext& context) {
  const int proc = detached_proc(plan, context);
  // To the accepted socket, and to the kernel's own refusals.
  write_setting(proc, "sys/net/ipv4/tcp_fwmark_accept", "1");
  write_setting(proc, "sys/net/ipv4/fwmark_reflect", "1");
  if (has_ipv6()) write_setting(proc, "sys/net/ipv6/fwmark_reflect", "1");
  // Or sendto(2) with MSG_FASTOPEN would connect, and nobody would be asked whose that is.
  write_setting(proc, "sys/net/ipv4/tcp_fastopen", "0");
  // The host's may be BBR, which sends by timers of its own: half the throughput on loopback. A
  // connection out has the host's. Reno is in every kernel, and any namespace may choose it.
  write_setting(proc, "sys/net/ipv4/tcp_congestion_control", "reno");
}

void hand_over_sockets(const plan::Plan& plan, ChildContext& context) {
  std::vector<UniqueFd> sockets;
  std::string records;
  const auto add = [&](InnerSocket::Kind kind, int family, int type, std::uint16_t port) {
    sockets.push_back(bound_socket(family, type, port));
    append_record(records, {kind, family == AF_INET6, port});
  };
  const auto watch_refusals = [&](InnerSocket::Kind kind, int family, Refused refused) {
    sockets.push_back(make_refusal_socket(family, refused));
    append_record(records, {kind, family == AF_INET6, 0});
  };
  const bool ipv6 = has_ipv6();
  const auto send = [&] {
    std::vector<int> fds;
    fds.reserve(sockets.size());
    for (const UniqueFd& socket : sockets) fds.push_back(socket.get());
    base::send_fds(context.control, records, fds);
    sockets.clear();
    records.clear();
  };
  for (const int family : {AF_INET, AF_INET6}) {
    if (family == AF_INET6 && !ipv6) continue;
    watch_refusals(InnerSocket::Kind::refused_tcp, family, Refused::tcp);
    watch_refusals(InnerSocket::Kind::refused_udp, family, Refused::udp);
    sockets.push_back(make_multicast_socket(family));
    append_record(records, {InnerSocket::Kind::multicast, family == AF_INET6, 0});
    if (plan.network.names) {
      add(InnerSocket::Kind::dns_udp, family, SOCK_DGRAM, 53);
      add(InnerSocket::Kind::dns_tcp, family, SOCK_STREAM, 53);
    }
    for (const std::uint16_t port : plan.network.tcp_ports) {
      if (port == 53 && plan.network.names) continue;
      add(InnerSocket::Kind::tcp, family, SOCK_STREAM, port);
      if (sockets.size() >= kSocketsPerMessage) send();
    }
  }
  append_end(records);
  send();
}

}  // namespace sandbox_run::sandbox
