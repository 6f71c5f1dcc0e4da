#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/address.h"

namespace sandbox_run::broker {

/// Which name an address of 198.18.0.0/15 (RFC 2544, never routed) stands for in this run. A name
/// keeps its address, an address its name, to the end: nothing can be made to point elsewhere.
class NameTable {
 public:
  /// Holds at most `limit` names.
  explicit NameTable(std::size_t limit);

  /// The address of `name` (lower case), handed out now if it has none. nullopt: the table is full.
  std::optional<Address> address_of(std::string_view name);
  /// nullopt if `address` was not handed out.
  std::optional<std::string> name_of(const Address& address) const;

  std::size_t limit() const { return limit_; }
  static bool covers(const Address& address);  // in 198.18.0.0/15

 private:
  std::size_t limit_;
  std::vector<std::string> names_;  // by number, from the first address on
  std::map<std::string, std::size_t, std::less<>> numbers_;
};

}  // namespace sandbox_run::broker
