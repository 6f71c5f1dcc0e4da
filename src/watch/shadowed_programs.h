#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "watch/process_root.h"

namespace sandbox_run::watch {

/// Programs of packages that go by the name of one of the system's.
///
/// The attack: a package's `bin` is called `sh` or `git`. Package managers put node_modules/.bin,
/// or a directory like it, before all else in PATH, so that every later script, the project's own
/// too, runs it in their place. An exec of it is refused as if it were not there: who looks along
/// PATH finds the system's.
class ShadowedPrograms {
 public:
  explicit ShadowedPrograms(std::vector<std::string> names);

  /// Whose program `path` (absolute, as the exec names it) is, if the host has one of that name,
  /// too;
  /// "" if that can't be told. nullopt: it stands in nobody's place.
  std::optional<std::string> package_of(std::string_view path, const Look& program) const;

 private:
  std::vector<std::string> names_;  // sorted
};

}  // namespace sandbox_run::watch
