#pragma once

#include <chrono>
#include <cstddef>

// Everything that a package can make the broker hold, and how much of it. Reaching one is an event
// ("limit.reached"), never a crash and never a way around a decision.

namespace sandbox_run::broker {

struct Limits {
  std::size_t flows = 1024;  // at once, those still connecting included
  std::chrono::milliseconds flow_idle = std::chrono::minutes(15);  // without a byte either way
  /// Until a client has said for whom its connection is.
  std::chrono::milliseconds first_bytes = std::chrono::seconds(30);
  std::size_t names = 4096;          // addresses handed out in one run
  std::size_t dns_connections = 64;  // DNS over TCP, at once
  std::chrono::milliseconds dns_connection_idle = std::chrono::seconds(20);
  std::size_t waiting_queries = 256;  // DNS over UDP, while the host's resolver is asked
  /// Of each kind and actor: different names, different destinations.
  std::size_t distinct_events = 1000;
  std::size_t distinct_actors = 1000;  // of each kind, then all further ones share one bound
  std::size_t lookups = 64;            // of the host's resolver at once; each is a thread
  /// Of one address of a name before the next, RFC 8305 5; and for all from the last one's start.
  std::chrono::milliseconds connect_head_start = std::chrono::milliseconds(250);
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(20);
};

/// Of DNS; longer datagrams are dropped. By TCP, the two length bytes allow 65535.
inline constexpr std::size_t kMaxUdpMessage = 4096;
inline constexpr std::size_t kMaxUpstreamAddresses = 16;  // of one name
/// Work for one descriptor before the others have their turn.
inline constexpr int kAcceptsPerTurn = 64;
inline constexpr int kDatagramsPerTurn = 64;
inline constexpr int kSplicesPerTurn = 16;
/// At one head or ClientHello that comes in pieces; each copies all of it that is there.
inline constexpr int kMaxLooks = 128;
/// By a proxy that speaks TLS: of an answer by TLS 1.2, without a byte, once the client has said
/// all; and for the client's last bytes to be taken.
inline constexpr std::chrono::seconds kHalfClosedIdle{60};
/// Packets read of a refusals' queue when the sandbox has ended; more than the queue holds.
inline constexpr int kRefusalsAtTheEnd = 4096;
/// Of one direction of a flow. 64 of them fit what an ordinary user may have in pipes
/// (/proc/sys/fs/pipe-user-pages-soft); beyond that the kernel gives smaller ones.
inline constexpr int kPipeBytes = 1 << 20;
inline constexpr std::size_t kSparePipes = 32;
/// Short, so that clients ask again; the address stays that of the name for the whole run.
inline constexpr unsigned kDnsTtlSeconds = 15;
/// How long one answer of the host's resolver serves further connections to the same name.
inline constexpr std::chrono::seconds kResolutionLifetime{5};
/// After an error that would only come again at once (no descriptors left).
inline constexpr std::chrono::milliseconds kRetryDelay{100};

}  // namespace sandbox_run::broker
