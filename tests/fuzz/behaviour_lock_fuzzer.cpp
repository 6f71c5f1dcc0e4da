// libFuzzer: any text as a sandbox-run.lock. What is read is written so that it reads the same.
#include "base/sys_error.h"
#include "fuzz.h"
#include "policy/behaviour_lock.h"

namespace {

using namespace sandbox_run;
using fuzz::require;

void check(const policy::BehaviourLock& lock) {
  const std::string text = policy::to_toml(lock);
  const policy::BehaviourLock again = policy::parse_behaviour_lock(text, "again");
  require(policy::to_toml(again) == text);
  require(policy::differences(lock, again).empty());
  require(policy::to_toml(policy::learn(lock, again)) == text);
  for (const policy::PackageBehaviour& package : lock.packages) {
    require(lock.contains(package.doer));
    for (const policy::Act& act : package.acts) {
      require(!policy::deviation(again, package.doer, act));
      require(!fuzz::has_control(policy::to_words(act)));
    }
  }
}

}  // namespace

FUZZ_TARGET(behaviour_lock, data, size) {
  policy::BehaviourLock lock;
  try {
    lock = policy::parse_behaviour_lock(fuzz::text_of(data, size), "fuzz.lock");
  } catch (const base::UserError& error) {
    require(!fuzz::has_control(error.what()));
    return 0;
  }
  check(lock);
  return 0;
}
