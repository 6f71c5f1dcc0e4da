#pragma once

#include "plan/plan.h"
#include "sandbox/child_context.h"

namespace sandbox_run::sandbox {

/// Brings `lo` up and routes *every* address to it ("local default dev lo", IPv4 and IPv6), so that
/// a connection to any address ends at a socket of ours. libnl, seen only in network.cpp;
/// rtnetlink(7).
void raise_loopback(const plan::Plan& plan, ChildContext& context);

/// Settings of the network namespace (the kernel's ip-sysctl.rst): by them the mark that the
/// supervisor sets on a socket in connect(2) reaches the broker, which says who connects; and TCP
/// does what is best on loopback.
void set_network_settings(const plan::Plan& plan, ChildContext& context);

/// Wildcard listeners on the plan's ports, and UDP and TCP 53, and the sockets that see what
/// the kernel refuses (refusal_socket.h), passed to the supervisor. A socket
/// stays in the network namespace it was made in, so the broker accepts in here and connects out
/// there, without setns(2).
void hand_over_sockets(const plan::Plan& plan, ChildContext& context);

}  // namespace sandbox_run::sandbox
