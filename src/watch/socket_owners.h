#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "watch/process_files.h"

namespace sandbox_run::watch {

/// The inodes of the sockets at a local port in the text of /proc/PID/net/udp or udp6, see proc(5).
/// Pure; what is no such line is passed over.
std::vector<std::uint64_t> inodes_at_port(std::string_view table, std::uint16_t port);

/// The processes that hold a UDP socket at this local port of the sandbox whose init is `init`.
/// Empty: there is none any more. Reads /proc through: a millisecond or more. Never throws for what
/// it finds.
std::vector<int> holders_of_udp_port(const ProcessId& init, std::uint16_t port);

}  // namespace sandbox_run::watch
