#include "cli/timings.h"

#include <algorithm>

#include "base/format.h"

namespace sandbox_run::cli {

void Timings::add(const std::string& name, Clock::duration time) {
  last_ += time;
  const auto known = std::find_if(steps_.begin(), steps_.end(),
                                  [&](const auto& step) { return step.first == name; });
  if (known == steps_.end()) {
    steps_.emplace_back(name, time);
  } else {
    known->second += time;
  }
}

base::json::object Timings::to_json() const {
  base::json::object object;
  for (const auto& [name, time] : steps_) {
    object[name] = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  }
  return object;
}

std::string Timings::to_text() const {
  std::string text;
  for (const auto& [name, time] : steps_) {
    const std::chrono::duration<double, std::milli> milliseconds = time;
    text += base::format("time       {:8.2f} ms  {}\n", milliseconds.count(), name);
  }
  return text;
}

}  // namespace sandbox_run::cli
