#pragma once

#include <string>
#include <vector>

#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// Targets that are made before the run, for as long as this lives if nothing is put into them.
///
/// The supervisor may write in its targets, and nothing else: where a first ~/.npm is to be, it
/// could make none. What is to lie in the directory of caches may be made there when it is needed:
/// that is theirs.
class MadeTargets {
 public:
  MadeTargets() = default;
  MadeTargets(const MadeTargets&) = delete;
  MadeTargets& operator=(const MadeTargets&) = delete;
  /// Removes those that are empty.
  ~MadeTargets();

  /// Makes those of `targets` that do not exist, but for those in `cache_home`. One that can't be
  /// made stays a new one.
  void make(std::vector<workspace::Target>& targets, const std::string& cache_home);
  const std::vector<std::string>& made() const { return made_; }

 private:
  void make(const std::string& path);

  std::vector<std::string> made_;
};

/// `path`, or the nearest directory above it that exists.
std::string existing_directory(std::string path);

}  // namespace sandbox_run::cli
