#pragma once

#include <string>
#include <vector>

#include "cli/review/compare.h"
#include "cli/review/renames.h"
#include "cli/review/suspects.h"
#include "cli/run_facts.h"
#include "workspace/held_view.h"

namespace sandbox_run::cli {

/// One run's held changes with all that can be said of them.
class ReviewSource {
 public:
  /// Throws SysError, UserError.
  explicit ReviewSource(const std::string& run_directory);

  const RunFacts& run() const { return run_; }
  /// By target, then by path, a directory before what is in it.
  const std::vector<workspace::HeldChange>& held() const { return held_; }
  /// Those that one of the full `paths` names; without paths all.
  std::vector<const workspace::HeldChange*> held_at(const std::vector<std::string>& paths) const;
  const workspace::HeldView& view() const { return view_; }
  const Suspects& suspects() const { return suspects_; }
  Comparison& comparison() { return comparison_; }
  const Renames& renames() const { return renames_; }

  /// How the change is named on the command line: relative to its target, or in full if the run
  /// holds changes of several.
  std::string operand(const workspace::HeldChange& change) const;
  bool has_one_target() const { return has_one_target_; }

 private:
  RunFacts run_;
  workspace::HeldView view_;
  std::vector<workspace::HeldChange> held_;
  Suspects suspects_;
  Renames renames_;
  Comparison comparison_;
  bool has_one_target_ = true;
};

/// Paths by component: "a/b" before "a-b", so that a directory's entries stay together.
bool comes_before(const std::string& a, const std::string& b);

/// The full paths that `operands` mean: relative ones belong to the one target that holds something
/// there. Throws UserError: nothing is held there, or in several targets; what was meant is named.
std::vector<std::string> resolve_operands(const std::vector<workspace::HeldChange>& held,
                                          const std::vector<std::string>& operands);

/// Does the full path name the change, something above it, or something in a new directory?
bool names_change(const std::string& full_path, const workspace::HeldChange& change);
/// "/target/path"; the target itself for ".".
std::string full_path(const workspace::HeldChange& change);

}  // namespace sandbox_run::cli
