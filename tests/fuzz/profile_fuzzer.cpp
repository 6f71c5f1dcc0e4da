// libFuzzer: any text as a profile, a recipe, and as the user's configuration, which is merged into
// a profile.
#include "base/sys_error.h"
#include "fuzz.h"
#include "policy/profile.h"
#include "policy/recipe.h"

namespace {

using namespace sandbox_run;
using fuzz::require;

template <typename Parse>
void check(Parse parse) {
  try {
    parse();
  } catch (const base::UserError& error) {
    const std::string_view words = error.what();
    require(!words.empty() && !fuzz::has_control(words));
  }
}

}  // namespace

FUZZ_TARGET(profile, data, size) {
  static const policy::Policy npm = policy::ProfileSet::built_in().select("npm");
  const std::string_view text = fuzz::text_of(data, size);
  check([&] { policy::parse_profile(text, "fuzz.toml"); });
  check([&] { policy::parse_recipe(text, "fuzz.toml"); });
  check([&] {
    const auto config = policy::parse_user_config(text, "fuzz.toml");
    const policy::Policy merged = policy::merge_policy(npm, config, {});
    // It adds, and takes nothing away.
    require(merged.network.allow.size() >= npm.network.allow.size());
    require(merged.files.targets.size() >= npm.files.targets.size());
    require(merged.environment.withhold == npm.environment.withhold);
  });
  return 0;
}
