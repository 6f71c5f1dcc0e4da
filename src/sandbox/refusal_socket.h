#pragma once

#include <cstdint>

#include "base/unique_fd.h"

namespace sandbox_run::sandbox {

/// What is refused: by TCP with a reset; by UDP with an ICMP "port unreachable".
enum class Refused : std::uint8_t { tcp, udp };

/// A packet socket that queues the UDP datagrams to multicast and broadcast addresses, which the
/// kernel takes and drops without an answer; each read gives one from its IP header on, cut to the
/// headers. Otherwise as below. Its last close(2) waits: see base/deferred_close.h. See packet(7).
base::UniqueFd make_multicast_socket(int family);

/// A raw socket of this network namespace that queues only the kernel's refusals of tries at a port
/// that nobody listens on. Each read gives one, cut to its headers; as raw sockets do, IPv4's
/// begins with the IP header and IPv6's behind it. Non-blocking; its filter is locked. Wants
/// CAP_NET_RAW, and a namespace in which nothing sends yet. `family`: AF_INET, AF_INET6. Throws
/// SysError. See raw(7).
base::UniqueFd make_refusal_socket(int family, Refused refused);

}  // namespace sandbox_run::sandbox
