#pragma once

#include <memory>

#include "broker/asio.h"
#include "broker/refusal_packet.h"
#include "broker/services.h"

// What the kernel refuses inside (a port nobody listens on, UDP) leaves no connection that the
// broker could accept and tell of; its answers do, on the raw sockets that init made.

namespace sandbox_run::broker {

struct RefusalSocket {
  std::shared_ptr<Descriptor> socket;
  RefusalSource source;
};

/// Records each refusal that the socket queues, until it is closed.
asio::awaitable<void> watch_refusals(RefusalSocket refusals, std::shared_ptr<Services> services);

/// What is still queued once every process inside is dead: a short command has ended before the
/// loop came to it. Says so if the queue was ever too short.
void record_last_refusals(const RefusalSocket& refusals, Services& services);

}  // namespace sandbox_run::broker
