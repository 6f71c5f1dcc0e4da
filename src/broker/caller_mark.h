#pragma once

#include <sys/socket.h>

#include "events/caller_table.h"

// The caller's number as the kernel carries it: watch/ marks a socket in connect(2), each of its
// packets has the mark, and so have the socket that is accepted (sysctl tcp_fwmark_accept) and the
// kernel's refusals (fwmark_reflect). socket(7): SO_MARK.

namespace sandbox_run::broker {

/// Of an accepted connection.
events::CallerTable::Number caller_of(int socket);

/// Asks for the mark of each packet that is read from `socket`. Linux before 5.19 can't: then
/// lookups and refused tries are recorded without an actor.
void ask_for_callers(int socket);
/// Of a packet read by recvmsg(2); kUnknown if it came without.
events::CallerTable::Number caller_of(msghdr& message);
/// Room for it among the control messages.
inline constexpr std::size_t kCallerSpace = CMSG_SPACE(sizeof(events::CallerTable::Number));

}  // namespace sandbox_run::broker
