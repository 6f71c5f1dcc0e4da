#include "broker/pin.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace sandbox_run::broker {
namespace {

/// One text for each host.
std::string canonical(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (const auto address = Address::parse(std::string(host))) return address->text();
  if (host.ends_with('.')) host.remove_suffix(1);
  return base::to_lower(host);
}

/// nullopt: it is no port.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || text.size() > 5) {
    return std::nullopt;
  }
  return port;
}

}  // namespace

Pin::Pin(const Admission& admission, const Endpoint& destination) : port_(destination.port) {
  const policy::HostPattern& host = admission.rule->host;
  hosts_.push_back(canonical(admission.host));
  is_address_ = host.is_address() || host.is_loopback();
  if (!host.is_loopback()) return;
  hosts_.insert(hosts_.end(), {"localhost", "127.0.0.1", "::1", destination.address.text()});
}

bool Pin::accepts(std::string_view host) const {
  return std::find(hosts_.begin(), hosts_.end(), canonical(host)) != hosts_.end();
}

bool Pin::accepts_authority(std::string_view authority) const {
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && !authority.ends_with(']');
  if (!has_port) return accepts(authority);
  return accepts(authority.substr(0, colon)) && parse_port(authority.substr(colon + 1)) == port_;
}

}  // namespace sandbox_run::broker
