#include "broker/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace sandbox_run::broker {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

template <typename Value>
std::span<const std::uint8_t> bytes_of(const Value& value) {
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

}  // namespace

Address::Address(std::span<const std::uint8_t> bytes) {
  const bool mapped =
      bytes.size() == 16 && std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
  if (mapped) bytes = bytes.subspan(kMappedPrefix.size());
  size_ = bytes.size() == 16 ? 16 : 4;
  std::copy_n(bytes.begin(), std::min(size_, bytes.size()), bytes_.begin());
}

Address Address::ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return Address(std::array{a, b, c, d});
}

Address Address::ipv6_loopback() { return Address(bytes_of(in6addr_loopback)); }

std::optional<Address> Address::parse(const std::string& text) {
  in6_addr six{};
  if (::inet_pton(AF_INET6, text.c_str(), &six) == 1) return Address(bytes_of(six));
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return Address(bytes_of(four));
  return std::nullopt;
}

bool Address::is_loopback() const {
  return is_ipv6() ? *this == ipv6_loopback() : bytes_[0] == 127;
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN];
  ::inet_ntop(is_ipv6() ? AF_INET6 : AF_INET, bytes_.data(), buffer, sizeof buffer);
  return buffer;
}

std::optional<Endpoint> from_sockaddr(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &storage, sizeof four);
    return Endpoint{Address(bytes_of(four.sin_addr)), ntohs(four.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &storage, sizeof six);
    return Endpoint{Address(bytes_of(six.sin6_addr)), ntohs(six.sin6_port)};
  }
  return std::nullopt;
}

SocketAddress to_sockaddr(const Endpoint& endpoint) {
  SocketAddress result;
  const auto bytes = endpoint.address.bytes();
  if (endpoint.address.is_ipv6()) {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(endpoint.port);
    std::memcpy(&six.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&result.storage, &six, sizeof six);
    result.length = sizeof six;
  } else {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(endpoint.port);
    std::memcpy(&four.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&result.storage, &four, sizeof four);
    result.length = sizeof four;
  }
  return result;
}

}  // namespace sandbox_run::broker
