#include "cli/review/renames.h"

#include <exception>
#include <optional>
#include <utility>

#include "cli/review/compare.h"

namespace sandbox_run::cli {
namespace {

using workspace::ChangeKind;
using workspace::HeldChange;
using workspace::HeldView;

constexpr std::size_t kMaxCompared = 500;

std::optional<std::string> content(const HeldView& view, HeldView::From from,
                                   const HeldChange& change) {
  try {
    return view.read(from, change.target, change.change.path, kMaxComparedBytes);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::uint64_t size_on_host(const HeldView& view, const HeldChange& change) {
  try {
    const workspace::HeldSide side =
        view.look(HeldView::From::host, change.target, change.change.path);
    return side.exists && side.type == 'f' ? side.size : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace

Renames::Renames(const HeldView& view, const std::vector<HeldChange>& held) {
  std::multimap<std::pair<std::string, std::uint64_t>, const HeldChange*> gone;  // target, size
  for (const HeldChange& change : held) {
    if (change.change.kind != ChangeKind::removed || change.change.type != 'f') continue;
    // Empty files are all the same.
    const std::uint64_t size = size_on_host(view, change);
    if (size > 0) gone.emplace(std::pair(change.target, size), &change);
  }
  std::size_t compared = 0;
  for (const HeldChange& change : held) {
    if (gone.empty() || compared >= kMaxCompared) return;
    if (change.change.kind != ChangeKind::added || change.change.type != 'f') continue;
    const auto [first, last] = gone.equal_range({change.target, change.change.size});
    if (first == last) continue;
    const auto ours = content(view, HeldView::From::layer, change);
    for (auto at = first; ours && at != last && compared < kMaxCompared; ++at) {
      ++compared;
      if (content(view, HeldView::From::host, *at->second) != ours) continue;
      others_[{change.target, change.change.path}] = at->second->change.path;
      others_[{change.target, at->second->change.path}] = change.change.path;
      gone.erase(at);
      break;
    }
  }
}

std::string Renames::other_path(const HeldChange& change) const {
  const auto found = others_.find({change.target, change.change.path});
  return found == others_.end() ? "" : found->second;
}

}  // namespace sandbox_run::cli
