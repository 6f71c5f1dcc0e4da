#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "broker/address.h"
#include "broker/asio.h"
#include "broker/limits.h"

namespace sandbox_run::broker {

struct Upstream {
  base::UniqueFd socket;  // none: `error` says why
  Address address = Address::ipv4_loopback();
  std::string error;  // words, of the last address tried
};

/// Connects to the first of `addresses` that answers, in their order, on the host's side.
asio::awaitable<Upstream> connect_upstream(std::vector<Address> addresses, std::uint16_t port,
                                           Limits limits);

}  // namespace sandbox_run::broker
