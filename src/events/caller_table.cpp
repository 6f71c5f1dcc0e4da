#include "events/caller_table.h"

#include <algorithm>
#include <utility>

namespace sandbox_run::events {

CallerTable::Number CallerTable::add(Caller caller) {
  if (callers_.size() <= limit_) {
    callers_.push_back(std::move(caller));
    return static_cast<Number>(callers_.size() - 1);
  }
  const auto same = std::find_if(callers_.begin(), callers_.end(),
                                 [&](const Caller& other) { return other.actor == caller.actor; });
  return same == callers_.end() ? kUnknown : static_cast<Number>(same - callers_.begin());
}

const Caller& CallerTable::at(Number number) const {
  return callers_[number < callers_.size() ? number : kUnknown];
}

}  // namespace sandbox_run::events
