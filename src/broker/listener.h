#pragma once

#include <functional>
#include <memory>

#include "base/unique_fd.h"
#include "broker/address.h"
#include "broker/asio.h"

namespace sandbox_run::broker {

struct AcceptHandlers {
  /// `destination` is the address that was dialled, whatever the listening socket is bound to.
  std::function<void(base::UniqueFd client, const Endpoint& destination)> accepted;
  /// No descriptors or memory left: tried again after a pause.
  std::function<void()> exhausted;
};

/// Accepts on `socket` (listening, non-blocking) until it is closed.
asio::awaitable<void> accept_connections(std::shared_ptr<Descriptor> socket,
                                         AcceptHandlers handlers);

/// Waits kRetryDelay.
asio::awaitable<void> pause();

}  // namespace sandbox_run::broker
