#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/review/suspects.h"
#include "policy/settle.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// Who was running when something changed, for the verdict: by the run's log. A package's code is
/// assumed wherever the log does not rule it out.
class Authors {
 public:
  /// The log is read at the first question.
  explicit Authors(std::string run_directory) : run_directory_(std::move(run_directory)) {}

  /// What `request` asks is asked of this, which must live as long.
  void answer(workspace::CommitRequest& request);

 private:
  /// `changed_at`: an entry's ctime in the layer, which nobody inside can set.
  policy::Author at(std::int64_t changed_at);
  /// Suspects::no_package_wrote().
  bool no_package_wrote(const std::string& path, std::int64_t changed_at);
  /// May the package manager, or the project's own code, have put it there, beside the project, and
  /// no package's? `changed_at` kNoTime: it is gone.
  bool is_neighbours_own(const std::string& path, std::int64_t changed_at);
  /// Suspects::none_wrote_beside().
  bool none_wrote_beside(const std::string& path, std::int64_t changed_at);
  /// Suspects::was_made_at_home().
  bool was_made_at_home(const std::string& path, std::int64_t at);
  /// Suspects::no_package_ran().
  bool no_package_ran();
  /// Were scripts of these packages running then, and of nobody else?
  bool are_alone(const std::vector<std::string>& packages, std::int64_t at);

  const Suspects& suspects();

  std::string run_directory_;
  std::optional<Suspects> suspects_;
};

}  // namespace sandbox_run::cli
