// The sockets by which tries that the kernel itself refuses become events.
//
// Must:     drop ordinary traffic in the kernel: every segment of an install passes this filter.
// Must not: queue what is inside a connection.
// No packet socket where a raw one does: it sees every packet of an install. See raw(7), packet(7),
// the kernel's Documentation/networking/filter.rst, RFC 9293 3.5.2, RFC 792, RFC 4443.

#include "sandbox/refusal_socket.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>

#include <vector>

#include "base/sys_error.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using base::UniqueFd;

constexpr const char* kDoing = "watching for refused tries inside";

/// What the filter leaves of a packet: the largest IPv4 header twice (the answer's, and the one it
/// quotes), with 8 bytes behind each.
constexpr unsigned kHeaders = 2 * (60 + 8);

/// X = where the transport's header begins.
sock_filter find_transport(int family) {
  if (family == AF_INET) return sock_filter BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0);
  return sock_filter BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 0);
}

// The last two numbers of a jump say how many rows are passed over if it holds, and if not.

/// Of FIN, SYN, RST and ACK a segment with RST and ACK; and its sequence number is 0. So the kernel
/// answers a SYN; the reset of a connection that there is goes on with the connection's numbers.
std::vector<sock_filter> reset_filter(int family) {
  return {
      find_transport(family),
      sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
      sock_filter BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x17),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x14, 0, 3),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_IND, 4),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, kHeaders),  // queue
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0),         // drop
  };
}

/// By type and code.
std::vector<sock_filter> port_unreachable_filter(int family) {
  const unsigned type_and_code = family == AF_INET ? 0x0303 : 0x0104;
  return {
      find_transport(family),
      sock_filter BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, type_and_code, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, kHeaders),  // queue
      sock_filter BPF_STMT(BPF_RET | BPF_K, 0),         // drop
  };
}

/// UDP and UDP-Lite to 224.0.0.0 and above, or to ff00::/8. Of IPv4 no later fragment, which would
/// have no ports.
std::vector<sock_filter> multicast_filter(int family) {
  constexpr unsigned kUdpLite = 136;
  std::vector<sock_filter> rows;
  if (family == AF_INET) {
    rows = {
        sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 16),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0xe0, 0, 6),
        sock_filter BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
        sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
    };
  } else {
    rows = {
        sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 24),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xff, 0, 4),
        sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
    };
  }
  rows.insert(rows.end(), {
                              sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
                              sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kUdpLite, 0, 1),
                              sock_filter BPF_STMT(BPF_RET | BPF_K, kHeaders),  // queue
                              sock_filter BPF_STMT(BPF_RET | BPF_K, 0),         // drop
                          });
  return rows;
}

void filter_for_ever(int socket, std::vector<sock_filter> rows) {
  const sock_fprog program{static_cast<unsigned short>(rows.size()), rows.data()};
  check_sys(::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), kDoing);
  const int on = 1;
  check_sys(::setsockopt(socket, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on), kDoing);
}

}  // namespace

base::UniqueFd make_multicast_socket(int family) {
  // No protocol yet: nothing is queued before there is a filter.
  UniqueFd socket(
      check_sys(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), kDoing));
  filter_for_ever(socket.get(), multicast_filter(family));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
  address.sll_ifindex = static_cast<int>(::if_nametoindex("lo"));
  check_sys(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), kDoing);
  return socket;
}

base::UniqueFd make_refusal_socket(int family, Refused refused) {
  const int unreachable = family == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  const int protocol = refused == Refused::tcp ? int{IPPROTO_TCP} : unreachable;
  UniqueFd socket(
      check_sys(::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), kDoing));
  filter_for_ever(socket.get(),
                  refused == Refused::tcp ? reset_filter(family) : port_unreachable_filter(family));
  return socket;
}

}  // namespace sandbox_run::sandbox
