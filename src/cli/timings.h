#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace sandbox_run::cli {

/// Where a run's time went, step by step: each is what passed since the one before it.
class Timings {
 public:
  using Clock = std::chrono::steady_clock;

  /// `name` has just ended. Steps of one name are added up.
  void end(const std::string& name) { add(name, Clock::now() - last_); }
  /// `name` took `time`, of what has passed since the step before.
  void add(const std::string& name, Clock::duration time);

  /// {"facts of the host": microseconds, …}
  base::json::object to_json() const;
  /// "time       1.3 ms facts of the host", a line each.
  std::string to_text() const;

 private:
  Clock::time_point last_ = Clock::now();
  std::vector<std::pair<std::string, Clock::duration>> steps_;
};

}  // namespace sandbox_run::cli
