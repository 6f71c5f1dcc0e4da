#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandbox/user_manager.h"

namespace sandbox_run::sandbox {

/// What a control group's processes use and have used. A number is 0 where its controller is not
/// there.
struct ControlGroupUsage {
  std::uint64_t memory = 0;  // what can't be had back by forgetting it; with what is swapped out
  std::uint64_t threads = 0;
  std::uint64_t most_threads = 0;  // since the start; 0: an old kernel does not tell
  bool has_run_out_of_memory = false;
  bool has_run_out_of_threads = false;
};

/// A control group (version 2) of one run: its processes are held to the limits by the kernel, and
/// what they get of processors and disks is one share, however many they are. It is removed with
/// this object, and all that is still in it killed. See cgroups(7),
/// Documentation/admin-guide/cgroup-v2.rst.
class ControlGroup {
 public:
  /// Is there none above this process that is given to us to divide up, so that the session's
  /// manager has to be asked for one?
  static bool is_worth_asking_for();
  /// Beneath the nearest group above this process that is given to us to divide up, or beneath the
  /// scope that the manager was asked for (nullptr: it was not). nullopt: this host gives none.
  /// Controllers that it has turned on for that group's children stay on. Removes what runs that
  /// were killed have left there.
  static std::optional<ControlGroup> make(const std::string& run_id,
                                          const policy::GroupLimits& limits, ScopeRequest* scope);
  ControlGroup(ControlGroup&&) = default;
  ControlGroup& operator=(ControlGroup&&) = delete;
  ~ControlGroup();

  /// For clone3(2).
  int fd() const { return group_.get(); }
  /// It is a directory here.
  const std::string& parent() const { return parent_; }
  bool counts_memory() const { return static_cast<bool>(memory_); }
  bool counts_threads() const { return static_cast<bool>(threads_); }
  ControlGroupUsage usage() const;

 private:
  ControlGroup(std::string parent, std::string name, base::UniqueFd group);
  static std::optional<ControlGroup> make_beneath(const std::string& parent,
                                                  const std::string& run_id,
                                                  const policy::GroupLimits& limits);
  void limit(const policy::GroupLimits& limits);

  std::string parent_;
  std::string name_;
  // Open from the start: the supervisor will not be able to open them.
  base::UniqueFd group_;
  base::UniqueFd kill_;
  base::UniqueFd memory_;  // memory.stat
  base::UniqueFd swap_;
  base::UniqueFd memory_events_;
  base::UniqueFd threads_;
  base::UniqueFd most_threads_;
  base::UniqueFd thread_events_;
};

}  // namespace sandbox_run::sandbox
