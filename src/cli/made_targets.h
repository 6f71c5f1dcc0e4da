#pragma once

#include <string>
#include <vector>

#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// Targets that are made before the run, for as long as this lives if nothing is put into them.
///
/// The supervisor may write in its targets, and nothing else at home: where a first cache would be
/// made directly there (~/.npm), it could not be filled.
class MadeTargets {
 public:
  MadeTargets() = default;
  MadeTargets(const MadeTargets&) = delete;
  MadeTargets& operator=(const MadeTargets&) = delete;
  /// Removes those that are empty.
  ~MadeTargets();

  /// Makes those of `targets` that do not exist and that nothing but `home`, or what it lies in,
  /// would hold. Throws SysError.
  void make(std::vector<workspace::Target>& targets, const std::string& home);

  const std::vector<std::string>& made() const { return made_; }

 private:
  std::vector<std::string> made_;
};

/// `path`, or the nearest directory above it that exists.
std::string existing_directory(std::string path);

}  // namespace sandbox_run::cli
