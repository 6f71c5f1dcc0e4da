#pragma once

#include "base/unique_fd.h"

namespace sandbox_run::sandbox {

/// A packet socket on this network namespace's `lo` that queues, of all that passes, only the
/// kernel's refusals: the reset of a connection nobody listens for, "port unreachable" for a
/// datagram nobody takes; and echo requests. Each read gives one packet from its IP header on, cut
/// to its headers. Non-blocking; its filter is locked. Wants CAP_NET_RAW, and `lo` up.
///
/// Not a descriptor if packet sockets can't be had here (a kernel without them, or a security
/// module that refuses them). Throws SysError. See packet(7).
base::UniqueFd make_refusal_socket();

}  // namespace sandbox_run::sandbox
