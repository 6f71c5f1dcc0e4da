#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/screen.h"
#include "policy/leak_finder.h"

namespace sandbox_run::broker {

/// Around another screen, or none: looks for a decoy's value in the first bytes that a client
/// sends, before they go on, and ends the connection if there is one. What another screen passes
/// unseen (the body of a request) is so held back until it was looked at.
///
/// Of TLS it sees the ClientHello alone: what follows is encrypted.
class LeakScreen : public Screen {
 public:
  /// So much of a connection is looked at; then all passes as without it.
  static constexpr std::uint64_t kFirstBytes = 32U << 10;

  /// `inner` nullptr: everything else passes. `finder` outlives it. `on_leak` is called once.
  LeakScreen(std::unique_ptr<Screen> inner, const policy::LeakFinder& finder,
             std::function<void(const policy::Leak&)> on_leak);

  bool watches(Direction direction) const override;
  Verdict look(Direction direction, std::span<const std::uint8_t> pending, Input input) override;

 private:
  Verdict look_inside(Direction direction, std::span<const std::uint8_t> pending, Input input);
  bool gives_away(std::span<const std::uint8_t> bytes);

  std::unique_ptr<Screen> inner_;
  const policy::LeakFinder& finder_;
  std::function<void(const policy::Leak&)> on_leak_;
  std::uint64_t left_ = kFirstBytes;  // to be looked at
  bool is_tls_ = false;
  std::uint64_t granted_ = 0;  // that the inner screen passed, and that has not gone on yet
  std::string tail_;           // of what was looked at: a value may come in two pieces
};

}  // namespace sandbox_run::broker
