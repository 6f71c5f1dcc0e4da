#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sandbox_run::broker {

/// An IPv4 or IPv6 address. A v4-mapped IPv6 address is kept as the IPv4 address inside, so that
/// there is one way only to write each destination.
class Address {
 public:
  /// 4 or 16 bytes in network byte order.
  explicit Address(std::span<const std::uint8_t> bytes);
  static Address ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  static Address ipv4_loopback() { return ipv4(127, 0, 0, 1); }
  static Address ipv6_loopback();
  /// nullopt unless `text` is a literal without brackets and zone.
  static std::optional<Address> parse(const std::string& text);

  std::span<const std::uint8_t> bytes() const { return {bytes_.data(), size_}; }
  bool is_ipv6() const { return size_ == 16; }
  bool is_loopback() const;  // 127.0.0.0/8 or ::1
  std::string text() const;  // as inet_ntop(3): canonical

  friend bool operator==(const Address&, const Address&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::size_t size_ = 4;
};

struct Endpoint {
  Address address;
  std::uint16_t port = 0;
};

/// nullopt if it is neither AF_INET nor AF_INET6.
std::optional<Endpoint> from_sockaddr(const sockaddr_storage& storage);

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SocketAddress to_sockaddr(const Endpoint& endpoint);

}  // namespace sandbox_run::broker
