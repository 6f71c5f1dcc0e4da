#pragma once

#include <memory>

#include "broker/asio.h"
#include "broker/recorder.h"
#include "broker/services.h"

// What the kernel refuses inside (a port nobody listens on, UDP, ICMP) leaves no connection that
// the broker could accept and tell of; its answers do, on the packet socket that init made.

namespace sandbox_run::broker {

/// Records each refusal that `socket` queues, until it is closed.
asio::awaitable<void> watch_refusals(std::shared_ptr<Descriptor> socket,
                                     std::shared_ptr<Services> services);

/// What is still queued once every process inside is dead: a short command has ended before the
/// loop came to it. Says so if the queue was ever too short.
void record_last_refusals(int socket, Recorder& recorder);

}  // namespace sandbox_run::broker
