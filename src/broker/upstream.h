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
  std::string error;  // words, of the attempt that failed last
};

/// Connects to one of `addresses` on the host's side, as RFC 8305 ("Happy Eyeballs") has it: one
/// attempt after the other, of either family in turn, each with a head start; the first that
/// succeeds wins. An address that swallows packets costs the head start, not a timeout.
asio::awaitable<Upstream> connect_upstream(std::vector<Address> addresses, std::uint16_t port,
                                           Limits limits);

/// The families in turn, else in the given order (RFC 8305 4).
std::vector<Address> interleave_families(const std::vector<Address>& addresses);

}  // namespace sandbox_run::broker
