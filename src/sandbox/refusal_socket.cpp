// The socket by which tries that the kernel itself refuses become events.
//
// Must:     drop ordinary traffic in the kernel: every segment of an install passes `lo` and this
//           filter; be bound only when the filter is in place.
// Must not: queue what is inside a connection.
// See packet(7), the kernel's Documentation/networking/filter.rst, RFC 9293 3.5.2, RFC 792,
// RFC 4443.

#include "sandbox/refusal_socket.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/sys_error.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using base::UniqueFd;

/// What the filter leaves of a packet: the largest IPv4 header twice (the answer's, and the one it
/// quotes), with 8 bytes behind each.
constexpr unsigned kHeaders = 2 * (60 + 8);

/// The last two numbers of a jump say how many rows are passed over if it holds, and if not. The
/// packet begins with its IP header, as the socket is a SOCK_DGRAM one.
constexpr std::array kFilter{
    // Which IP? The upper half of the first byte.
    /* 0*/ sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
    /* 1*/ sock_filter BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
    /* 2*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x60, 5, 0),   // IPv6: to 8
    /* 3*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x40, 0, 20),  // neither: drop

    // IPv4: X = length of its header, A = what it carries.
    /* 4*/ sock_filter BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
    /* 5*/ sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
    /* 6*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 5, 0),    // to 12
    /* 7*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 9, 16),  // to 17, or drop

    // IPv6, likewise. The kernel's answers have no extension headers.
    /* 8*/ sock_filter BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 40),
    /* 9*/ sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
    /*10*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 1, 0),      // to 12
    /*11*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 8, 12),  // 20, or drop

    // TCP: of FIN, SYN, RST and ACK it has RST and ACK; and the sequence number is 0. So answers
    // the kernel a SYN; a reset of a connection that there is goes on with the connection's
    // numbers.
    /*12*/ sock_filter BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
    /*13*/ sock_filter BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x17),
    /*14*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x14, 0, 9),  // or drop
    /*15*/ sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_IND, 4),
    /*16*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 6, 7),  // to 23, or drop

    // ICMP, type and code: port unreachable, echo request.
    /*17*/ sock_filter BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
    /*18*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0303, 4, 0),
    /*19*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0800, 3, 4),

    // ICMPv6, likewise; its numbers are others.
    /*20*/ sock_filter BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
    /*21*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0104, 1, 0),
    /*22*/ sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x8000, 0, 1),

    /*23*/ sock_filter BPF_STMT(BPF_RET | BPF_K, kHeaders),  // queue
    /*24*/ sock_filter BPF_STMT(BPF_RET | BPF_K, 0),         // drop
};

void attach_filter(int socket) {
  std::array rows = kFilter;  // the kernel's struct wants it mutable
  const sock_fprog program{rows.size(), rows.data()};
  check_sys(::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program),
            "filtering what is seen of lo");
  const int on = 1;
  check_sys(::setsockopt(socket, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on),
            "locking the filter of what is seen of lo");
}

}  // namespace

base::UniqueFd make_refusal_socket() {
  // Protocol 0: it receives nothing before it is bound.
  UniqueFd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket && (errno == EAFNOSUPPORT || errno == EACCES || errno == EPERM)) return socket;
  check_sys(socket.get(), "making a packet socket");
  attach_filter(socket.get());
  // On lo each packet goes out and comes in. Seen going out, it would be cloned before the filter.
  const int on = 1;
  check_sys(::setsockopt(socket.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on),
            "ignoring what leaves by lo");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex("lo"));
  if (address.sll_ifindex == 0) throw base::SysError("finding lo");
  check_sys(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
            "watching lo");
  return socket;
}

}  // namespace sandbox_run::sandbox
