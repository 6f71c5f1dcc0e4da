#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/resource_limits.h"

namespace sandbox_run::cli {

/// Looks now and then whether a run takes more of this machine than it may: for hosts that give it
/// no cgroup of its own, and for root, whom no RLIMIT_NPROC holds.
class LimitWatch {
 public:
  /// `parents`: of what runs inside (the sandbox's keeper), and of what has lost its own (its
  /// init). `layers`: a directory where its changes land; "": nothing is kept.
  LimitWatch(const policy::Limits& limits, std::vector<int> parents, std::string layers);

  struct Passed {
    policy::Limit limit = policy::Limit::none;
    std::uint64_t value = 0;  // the bound
    std::uint64_t used = 0;   // of the disk: what is left
    int process = 0;          // that has most of it; 0: it can't be told
  };
  std::optional<Passed> look();

 private:
  void read_disk();

  policy::Limits limits_;
  std::vector<int> parents_;
  std::string layers_;
  policy::Resources resources_;
};

}  // namespace sandbox_run::cli
