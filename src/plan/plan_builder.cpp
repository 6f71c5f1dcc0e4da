#include "plan/plan_builder.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/path.h"
#include "plan/root_tree.h"
#include "policy/egress.h"
#include "policy/environment.h"

namespace sandbox_run::plan {
namespace {

std::vector<std::pair<std::string, std::string>> plan_environment(
    const policy::Policy& policy, const HostFacts& facts,
    const policy::FilteredEnvironment& filtered) {
  std::map<std::string, std::string> merged(filtered.entries.begin(), filtered.entries.end());
  const auto set = [&](const std::map<std::string, std::string>& variables) {
    for (const auto& [name, value] : variables) {
      const std::string expanded = expand(value, facts);
      if (!expanded.empty()) merged.emplace(name, expanded);  // what the user set, stays
    }
  };
  set(policy.environment.set);
  if (facts.working_directory != facts.project) set(policy.environment.set_below_project);
  if (facts.global) set(policy.environment.set_for_global);
  merged["HOME"] = facts.home;
  merged["PWD"] = facts.working_directory;
  return {merged.begin(), merged.end()};
}

/// Beside the real ones that the user lets in.
void add_decoys(const HostFacts& facts, ExecSpec& exec) {
  for (const policy::DecoyVariable& decoy : facts.decoys.variables) {
    const bool taken = std::any_of(exec.environment.begin(), exec.environment.end(),
                                   [&](const auto& entry) { return entry.first == decoy.name; });
    if (taken) continue;
    exec.environment.emplace_back(decoy.name, decoy.value);
    exec.decoys.push_back(decoy.name);
  }
  std::sort(exec.environment.begin(), exec.environment.end());
  std::sort(exec.decoys.begin(), exec.decoys.end());
}

/// Those of the rules, and the two that everything tries: the broker refuses and records it.
std::vector<std::uint16_t> plan_ports(const policy::Policy& policy) {
  const std::vector<std::uint16_t> listened = policy::listened_ports(policy.network);
  std::set<std::uint16_t> ports(listened.begin(), listened.end());
  ports.insert({policy::kHttpPort, policy::kHttpsPort});
  return {ports.begin(), ports.end()};
}

LandlockPlan plan_landlock(const HostFacts& facts, const std::vector<Layer>& layers) {
  LandlockPlan landlock;
  landlock.abi = facts.landlock_abi;
  landlock.writable = {"/dev", "/run", "/tmp", "/var/tmp", facts.home_real};
  for (const Layer& layer : layers) landlock.writable.push_back(layer.target);
  return landlock;
}

const std::string& target_of(const MountStep& step) {
  return std::visit([](const auto& known) -> const std::string& { return known.target; }, step);
}

}  // namespace

bool is_hosts_own(const Plan& plan, std::string_view path) {
  const MountStep* innermost = nullptr;
  for (const MountStep& step : plan.mounts) {
    const std::string& target = target_of(step);
    if (!base::is_beneath(path, target)) continue;
    if (innermost == nullptr || target.size() >= target_of(*innermost).size()) innermost = &step;
  }
  const auto* bind = innermost == nullptr ? nullptr : std::get_if<BindMount>(innermost);
  return bind != nullptr && bind->access == Access::read_only;
}

Plan make_plan(const policy::Policy& policy, const HostFacts& facts,
               const std::vector<Layer>& layers, Purpose purpose) {
  Plan plan;
  plan.profile = policy.profile;
  plan.ids = {facts.uid, facts.gid, facts.privileged};
  plan.layers = layers;
  plan.mounts = plan_root(policy, facts, layers, purpose);
  if (purpose == Purpose::run) plan.network.tcp_ports = plan_ports(policy);
  plan.landlock = plan_landlock(facts, layers);

  const policy::FilteredEnvironment filtered =
      policy::filter_environment(policy.environment, facts.environment);
  plan.home = facts.home_real;
  plan.exec.arguments = facts.command.arguments;
  plan.exec.path = facts.command.path;
  plan.exec.working_directory = facts.working_directory;
  plan.exec.environment = plan_environment(policy, facts, filtered);
  if (purpose == Purpose::run) add_decoys(facts, plan.exec);
  plan.time_limit = policy.time_limit;
  plan.limits = policy.limits;
  plan.withheld_environment = filtered.withheld;
  for (const std::string& name : filtered.stripped) {
    plan.notes.push_back("secrets were cut out of the value of " + name);
  }
  if (facts.landlock_abi == 0)
    plan.notes.emplace_back("this kernel has no Landlock: one layer less");
  return plan;
}

}  // namespace sandbox_run::plan
