#pragma once

#include <map>
#include <string>
#include <vector>

#include "workspace/held_view.h"

namespace sandbox_run::cli {

/// Which held files are the same under another name: one removed and one new, of one target, with
/// the same bytes. An overlay does not remember renames. Small files only, a bounded number.
class Renames {
 public:
  /// Reads the files whose sizes go together. What can't be read is no rename.
  Renames(const workspace::HeldView& view, const std::vector<workspace::HeldChange>& held);

  /// The other path; "" if it is no rename.
  std::string other_path(const workspace::HeldChange& change) const;

 private:
  std::map<std::pair<std::string, std::string>, std::string> others_;  // target, path
};

}  // namespace sandbox_run::cli
