// libFuzzer: a path, and any text as a .gitignore, as a git hook, as the script by which pnpm
// starts a program.
#include "fuzz.h"
#include "policy/git_hooks.h"
#include "policy/git_ignore.h"
#include "policy/program_shim.h"

FUZZ_TARGET(git_files, data, size) {
  using namespace sandbox_run;
  constexpr std::size_t kLongest = 4096;
  if (size > kLongest) return 0;
  const auto texts = fuzz::texts_of(data, size, 2);
  policy::GitIgnore ignore;
  ignore.add(texts[1]);
  const bool covered = ignore.covers(texts[0]);
  ignore.add("*\n");  // later lines are stronger
  if (!texts[0].empty() && texts[0].find('/') == std::string::npos) {
    fuzz::require(ignore.covers(texts[0]));
  }
  (void)covered;
  (void)policy::is_hook_name(texts[0]);
  const std::string tool = policy::hook_tool(texts[1], fuzz::lines_of(texts[0]));
  fuzz::require(!fuzz::has_control(tool));
  if (const auto target = policy::shim_target(texts[1])) {
    fuzz::require(!target->empty() && target->find('\n') == std::string::npos);
  }
  fuzz::require(policy::package_named_in(texts[1]).find('\n') == std::string::npos);
  return 0;
}
