#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "events/actor.h"

namespace sandbox_run::events {

/// Who opened a connection.
struct Caller {
  Actor actor;
  std::optional<Process> process;
};

/// Numbers for callers, so that the kernel can carry them: watch/ writes the number on a socket
/// (SO_MARK), broker/ reads it from the connection that arrives. 0 is nobody known: that is what a
/// socket has that was never marked.
class CallerTable {
 public:
  using Number = std::uint32_t;
  static constexpr Number kUnknown = 0;

  explicit CallerTable(std::size_t limit = 65536) : limit_(limit) {}

  /// A new number. If the table is full, that of an earlier caller with the same actor, else
  /// kUnknown.
  Number add(Caller caller);
  /// The unknown caller for kUnknown and for numbers that were never given.
  const Caller& at(Number number) const;

 private:
  std::size_t limit_;
  std::vector<Caller> callers_{Caller{}};  // by number
};

}  // namespace sandbox_run::events
