#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/address.h"
#include "broker/asio.h"

namespace sandbox_run::broker {

struct Resolution {
  std::vector<Address> addresses;  // in getaddrinfo(3)'s order (RFC 6724), no duplicates
  std::string error;               // words; "" if there is an address
};

/// The host's own resolver, /etc/hosts and nsswitch included: getaddrinfo(3), which blocks, in a
/// thread for each name asked, detached. (Asio's resolver has one thread for all names, and the end
/// of the loop would wait for it: one dead name server would delay both.) No thread exists before
/// the first lookup, as init must be cloned from a single thread.
///
/// Must:     ask once for any number of flows that want the same name at the same time.
/// Must not: remember a failure.
class Resolver {
 public:
  explicit Resolver(std::size_t max_lookups) : max_lookups_(max_lookups) {}

  asio::awaitable<Resolution> resolve(std::string name);

 private:
  struct Entry;
  void forget_expired();

  std::size_t max_lookups_;
  std::size_t running_ = 0;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace sandbox_run::broker
