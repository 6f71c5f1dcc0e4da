#include "broker/leak_screen.h"

#include <algorithm>
#include <utility>

#include "broker/tls_record.h"

namespace sandbox_run::broker {
namespace {

/// More than a value's least recognised piece takes in any form: 15 characters as "%41".
constexpr std::size_t kTail = 64;

}  // namespace

LeakScreen::LeakScreen(std::unique_ptr<Screen> inner, const policy::LeakFinder& finder,
                       std::function<void(const policy::Leak&)> on_leak)
    : inner_(std::move(inner)), finder_(finder), on_leak_(std::move(on_leak)) {}

bool LeakScreen::watches(Direction direction) const {
  return direction == Direction::up || (inner_ && inner_->watches(direction));
}

Verdict LeakScreen::look_inside(Direction direction, std::span<const std::uint8_t> pending,
                                Input input) {
  return inner_ ? inner_->look(direction, pending, input) : Verdict::pass(Verdict::kAll);
}

Verdict LeakScreen::look(Direction direction, std::span<const std::uint8_t> pending, Input input) {
  if (direction == Direction::down) return look_inside(direction, pending, input);
  if (granted_ == 0) {
    Verdict verdict = look_inside(direction, pending, input);
    if (verdict.kind != Verdict::Kind::pass) return verdict;
    granted_ = verdict.bytes;
  }
  if (left_ == 0 || pending.empty()) return Verdict::pass(std::exchange(granted_, 0));
  const auto count = static_cast<std::size_t>(
      std::min({granted_, left_, static_cast<std::uint64_t>(pending.size())}));
  if (left_ == kFirstBytes) is_tls_ = pending.front() == tls_type::kHandshake;
  if (gives_away(pending.first(count))) {
    return Verdict::refuse({"", "it would give a decoy's value away", Objection::About::content});
  }
  const bool encrypted_from_here = granted_ == Verdict::kAll && is_tls_;
  left_ = encrypted_from_here ? 0 : left_ - count;
  if (left_ == 0) return Verdict::pass(std::exchange(granted_, 0));
  if (granted_ != Verdict::kAll) granted_ -= count;
  return Verdict::pass(count);
}

bool LeakScreen::gives_away(std::span<const std::uint8_t> bytes) {
  tail_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto leak = finder_.find(tail_);
  if (tail_.size() > kTail) tail_.erase(0, tail_.size() - kTail);
  if (leak) on_leak_(*leak);
  return leak.has_value();
}

}  // namespace sandbox_run::broker
