// libFuzzer: two texts as a package.json before and after.
#include "fuzz.h"
#include "policy/git_hooks.h"
#include "policy/manifest.h"

FUZZ_TARGET(manifest, data, size) {
  using namespace sandbox_run;
  using fuzz::require;
  const auto texts = fuzz::texts_of(data, size, 2);
  const std::string& before = texts[0];
  const std::string& after = texts[1];
  const auto changed = policy::changed_members(before, after, {"dependencies", "devDependencies"});
  const bool same = policy::same_manifest(before, after);
  require(same == policy::same_manifest(after, before));
  if (same) {
    // The same meaning: no member has changed, whatever is allowed.
    require(policy::same_manifest(before, before) && policy::same_manifest(after, after));
    const auto none = policy::changed_members(before, after, {});
    require(none && none->empty());
  }
  if (changed) {
    const auto all = policy::changed_members(before, after, {});
    require(all && all->size() >= changed->size());
  }
  for (const char* path : {"cli.js", "./cli.js", "bin/x", "../x"}) {
    (void)policy::names_program(after, path);
    (void)policy::names_program_as(after, path, "x");
  }
  (void)policy::hook_commands(after);
  return 0;
}
