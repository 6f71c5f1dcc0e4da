// Kinds of sockets that leave the network namespace, see its packets, or reach code of the kernel
// that an install never needs.

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"

// Not in older headers.
#ifndef AF_VSOCK
#define AF_VSOCK 40
#endif
#ifndef IPPROTO_SMC
#define IPPROTO_SMC 256
#endif

static int vsock(void) { return judge(socket(AF_VSOCK, SOCK_STREAM, 0)); }
static int packet(void) { return judge(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))); }
static int crypto(void) { return judge(socket(AF_ALG, SOCK_SEQPACKET, 0)); }
static int raw_icmp(void) { return judge(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
static int raw_icmp6(void) { return judge(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)); }
static int raw_ip(void) { return judge(socket(AF_INET, SOCK_RAW, IPPROTO_RAW)); }
static int netfilter(void) { return judge(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)); }
static int xfrm(void) { return judge(socket(AF_NETLINK, SOCK_RAW, NETLINK_XFRM)); }
static int multipath(void) { return judge(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)); }
static int shared_memory(void) { return judge(socket(AF_INET6, SOCK_STREAM, IPPROTO_SMC)); }
static int udp_lite(void) { return judge(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)); }
static int tunnel(void) { return judge(socket(AF_INET, SOCK_DGRAM, 115 /* IPPROTO_L2TP */)); }
static int audit(void) { return judge(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)); }

int main(int argc, char** argv) {
  const struct Attack attacks[] = {{"vsock", vsock},
                                   {"packet", packet},
                                   {"crypto", crypto},
                                   {"raw_icmp", raw_icmp},
                                   {"raw_icmp6", raw_icmp6},
                                   {"raw_ip", raw_ip},
                                   {"netfilter", netfilter},
                                   {"xfrm", xfrm},
                                   {"audit", audit},
                                   {"multipath", multipath},
                                   {"shared_memory", shared_memory},
                                   {"udp_lite", udp_lite},
                                   {"tunnel", tunnel}};
  return run_attack(attacks, sizeof attacks / sizeof attacks[0], argc, argv);
}
