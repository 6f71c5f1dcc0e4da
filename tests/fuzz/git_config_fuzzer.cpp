// libFuzzer: two texts as a git configuration before and after. The places that it names lie in the
// project.
#include "fuzz.h"
#include "policy/git_config.h"
#include "policy/git_places.h"

namespace {

using namespace sandbox_run;
using fuzz::require;

constexpr const char* kProject = "/home/u/app";

void check_places(const policy::GitConfig& config) {
  for (const bool any : {false, true}) {
    const auto is_file = [any](const std::string& path) {
      require(fuzz::stays_beneath(path));
      return any;
    };
    for (const policy::GitPlace& place : policy::places_named_by_git(config, kProject, is_file)) {
      require(fuzz::stays_beneath(place.path));
    }
  }
  const std::string hooks = policy::hook_directory(config, kProject);
  require(hooks.empty() || fuzz::stays_beneath(hooks));
  (void)policy::included_files(config);
}

}  // namespace

FUZZ_TARGET(git_config, data, size) {
  const auto texts = fuzz::texts_of(data, size, 2);
  const auto before = policy::parse_git_config(texts[0]);
  const auto after = policy::parse_git_config(texts[1]);
  if (before) check_places(*before);
  const auto change = policy::compare_git_config(texts[0], texts[1], kProject);
  using Kind = policy::GitConfigChange::Kind;
  if (!before || !after) require(change.kind == Kind::starters);
  if (before) {
    const auto none = policy::compare_git_config(texts[0], texts[0], kProject);
    require(none.kind == Kind::settings && none.keys.empty());
  }
  // Both ways the same keys differ.
  require(policy::compare_git_config(texts[1], texts[0], kProject).keys == change.keys);
  return 0;
}
