#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/address.h"
#include "broker/admission.h"

namespace sandbox_run::broker {

/// Which host a connection must say that it is for. Pure.
///
/// An address is often shared by many hosts (a CDN's), and the server goes by the name inside the
/// connection: without this, one allowed name would be a way to all its neighbours.
class Pin {
 public:
  /// `admission` of a connection to `destination`. A name: itself. An address: itself. The host's
  /// loopback: each of its spellings, for it is one host whatever it is called.
  Pin(const Admission& admission, const Endpoint& destination);

  /// `host` as in a Host header without its port, or as TLS's server name: letter case, a final dot
  /// and an IPv6 literal's brackets and spelling do not matter.
  bool accepts(std::string_view host) const;
  /// "HOST[:PORT]"; the port must be that of the connection.
  bool accepts_authority(std::string_view authority) const;
  /// TLS has no server name for an address (RFC 6066 3).
  bool accepts_no_server_name() const { return is_address_; }

 private:
  std::vector<std::string> hosts_;  // canonical
  std::uint16_t port_;
  bool is_address_ = false;
};

}  // namespace sandbox_run::broker
