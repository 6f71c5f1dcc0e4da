#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/unique_fd.h"
#include "policy/resource_limits.h"
#include "sandbox/control_group.h"
#include "watch/process_usage.h"

namespace sandbox_run::cli {

/// Looks now and then whether a run takes more of this machine than it may: all that there is on
/// hosts that give it no control group of its own, and what says who is to blame where they do.
class LimitWatch {
 public:
  /// `parents`: of what runs inside (the sandbox's keeper), and of what has lost its own (its
  /// init). `layers`: directories where its changes land; none: nothing is kept. `places`: that lie
  /// in memory. `group`: the run's. Both are borrowed, the group may be nullptr.
  LimitWatch(const policy::Limits& limits, std::vector<int> parents,
             std::vector<std::string> layers, const std::vector<base::UniqueFd>& places,
             const sandbox::ControlGroup* group);

  struct Passed {
    policy::Limit limit = policy::Limit::none;
    std::uint64_t value = 0;  // the bound
    std::uint64_t used = 0;   // of the disk: what is left
    int process = 0;          // that has most of it; 0: it can't be told
  };
  std::optional<Passed> look();
  /// Once more, when all are dead: whether the kernel has ended some of them for a limit. Nobody is
  /// left to be blamed.
  std::optional<Passed> last_look();
  /// As if this one was passed now.
  Passed passed(policy::Limit limit) const;

  /// The most that was seen at a time.
  struct Peaks {
    std::uint64_t processes = 0;
    std::uint64_t threads = 0;
    std::uint64_t memory = 0;
    std::uint64_t open_files = 0;   // 0: not counted, before Linux 6.2
    std::uint64_t disk = 0;         // bytes that became less free, whoever took them
    std::uint64_t files = 0;        // likewise
    bool of_control_group = false;  // it had one
  };
  const Peaks& peaks() const { return peaks_; }

 private:
  void read_disk();
  void read_changes();
  void read_largest_file();
  void read_group();
  void read_processes();
  std::uint64_t memory_of_places() const;
  int writer() const;

  policy::Limits limits_;
  std::vector<int> parents_;
  std::vector<std::string> layers_;
  // So much room the disk must have lost before another look at the layers is worth it.
  std::uint64_t worth_measuring_ = 0;
  std::uint64_t worth_counting_ = 0;
  int writer_ = 0;  // of the largest file
  const std::vector<base::UniqueFd>& places_;
  const sandbox::ControlGroup* group_;
  policy::Resources resources_;
  watch::ProcessUsage usage_;
  Peaks peaks_;
};

/// For run.finished.
base::json::object to_json(const LimitWatch::Peaks& peaks);

}  // namespace sandbox_run::cli
