#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sandbox_run::cli {

/// What layers hold.
struct LayerSize {
  std::uint64_t bytes = 0;  // on the disk
  std::uint64_t files = 0;  // and directories
  bool complete = true;     // false: somebody inside has closed a directory to us
};

/// Walks all of them, also while they change: for when there is a reason to.
LayerSize measure_layers(const std::vector<std::string>& uppers);

}  // namespace sandbox_run::cli
