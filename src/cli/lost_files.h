#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace sandbox_run::cli {

/// What a command left in the false home, which goes with it: a place that a person would know by
/// name
/// (~/.cache/Cypress, ~/.bashrc), and what lies in it.
struct LostFiles {
  std::string path;  // absolute
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::int64_t changed_at = 0;  // of the last one, by the kernel's change time: ns since 1970
};

/// Looks through the directory `home_fd` (what `home` was inside; every process is dead). Left out
/// are empty files, what the plan itself put there and nobody changed, and what `disposable` (globs
/// relative to the home) matches. By places, the largest first. Bounded: a package chooses names,
/// depth and number. Names are as they are in the file system.
std::vector<LostFiles> find_lost_files(int home_fd, const std::string& home, const plan::Plan& plan,
                                       const std::vector<std::string>& disposable);

}  // namespace sandbox_run::cli
