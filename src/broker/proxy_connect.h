#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "broker/asio.h"
#include "broker/services.h"
#include "broker/upstream.h"
#include "policy/proxy.h"

namespace sandbox_run::broker {

/// A connection to `host` (the rule's own name, or an address literal) by `proxy`, which looks the
/// name up itself: what it leads to is the proxy's to judge, not seen here. Upstream::address is
/// the proxy's. Ends with an error after Limits::connect_timeout.
asio::awaitable<Upstream> connect_by_proxy(std::shared_ptr<Services> services,
                                           const policy::Proxy& proxy, std::string host,
                                           std::uint16_t port);

}  // namespace sandbox_run::broker
