#pragma once

#include <linux/seccomp.h>

#include <optional>

namespace sandbox_run::watch {

/// A TCP connection, made for the thread that waits in connect(2) (tcp(7), connect(2)): on its own
/// socket, to the address that it names. So the socket that is connected is the one that was
/// marked, and nobody wakes but those that have something to do: on the sandbox's loopback a
/// connection is there before connect(2) returns.
///
/// `socket`: the thread's own, as pidfd_getfd(2) gives it, of TCP. It never waits.
/// Returns what the call gives: 0 or an errno; nullopt: the call must go on, as it would wait, or
/// names no address that can be read.
std::optional<int> connect_for(const seccomp_notif& notification, int socket);

}  // namespace sandbox_run::watch
