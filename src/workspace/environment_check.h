#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "policy/verdict.h"
#include "workspace/workspace.h"

// A Python environment's files that somebody runs without asking for them, whatever they are
// called: programs before the system's, and what a .pth file of the environment imports.

namespace sandbox_run::workspace {

class EnvironmentCheck {
 public:
  /// Descriptors are borrowed, and so is `known`. `host_root` -1: the target does not exist.
  EnvironmentCheck(const Target& target, int layer_root, int host_root, const KnownPlaces& known);

  /// What becomes of a file or link (`type` f or l) that may be committed by its path, if not that.
  ///
  /// The attacks: a build leaves bin/nproc, or writes into the module that another distribution's
  /// .pth file imports. What pip itself installed, its RECORD lists.
  std::optional<policy::Judgement> objection(int dir_fd, const char* name,
                                             const std::string& dir_path, char type) const;

 private:
  bool shadows_a_program(const std::string& name) const;
  bool is_recorded_program(int dir_fd, const char* name) const;

  int layer_root_;
  int host_root_;
  std::vector<std::string> programs_;            // directories
  std::set<std::string, std::less<>> imported_;  // modules
};

}  // namespace sandbox_run::workspace
