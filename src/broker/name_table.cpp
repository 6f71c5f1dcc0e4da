#include "broker/name_table.h"

#include <algorithm>
#include <cstdint>

namespace sandbox_run::broker {
namespace {

constexpr std::uint32_t kNetwork = 198U << 24U | 18U << 16U;
constexpr std::uint32_t kMask = 0xfffe0000U;
constexpr std::uint32_t kFirst = kNetwork + 1;
constexpr std::size_t kAddresses = ~kMask - 1;  // without the first and the last

std::optional<std::uint32_t> ipv4_value(const Address& address) {
  if (address.is_ipv6()) return std::nullopt;
  std::uint32_t value = 0;
  for (const std::uint8_t byte : address.bytes()) value = value << 8U | byte;
  return value;
}

Address to_address(std::uint32_t value) {
  return Address::ipv4(static_cast<std::uint8_t>(value >> 24U),
                       static_cast<std::uint8_t>(value >> 16U),
                       static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value));
}

}  // namespace

NameTable::NameTable(std::size_t limit) : limit_(std::min(limit, kAddresses)) {}

std::optional<Address> NameTable::address_of(std::string_view name) {
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) {
    return to_address(kFirst + static_cast<std::uint32_t>(found->second));
  }
  if (names_.size() >= limit_) return std::nullopt;
  const std::size_t number = names_.size();
  names_.emplace_back(name);
  numbers_.emplace(name, number);
  return to_address(kFirst + static_cast<std::uint32_t>(number));
}

std::optional<std::string> NameTable::name_of(const Address& address) const {
  const auto value = ipv4_value(address);
  if (!value || *value < kFirst || *value - kFirst >= names_.size()) return std::nullopt;
  return names_[*value - kFirst];
}

bool NameTable::covers(const Address& address) {
  const auto value = ipv4_value(address);
  return value && (*value & kMask) == kNetwork;
}

}  // namespace sandbox_run::broker
