#include "cli/alerts.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace sandbox_run::cli {
namespace {

std::vector<watch::DecoyValue> values_of(const policy::DecoySet& decoys, const plan::Plan& plan) {
  std::vector<watch::DecoyValue> values;
  for (const policy::DecoyFile& file : decoys.files) {
    for (const std::string& secret : file.secrets) values.push_back({file.path, secret});
  }
  for (const policy::DecoyVariable& variable : decoys.variables) {
    const auto& names = plan.exec.decoys;
    if (std::find(names.begin(), names.end(), variable.name) == names.end()) continue;
    values.push_back({"the variable " + variable.name, variable.value});
  }
  return values;
}

}  // namespace

policy::OnAlert answer_to_alerts(const policy::Policy& policy) {
  if (policy.on_alert) return *policy.on_alert;
  return std::getenv("CI") != nullptr ? policy::OnAlert::fail : policy::OnAlert::hold;
}

EventChain::EventChain(const plan::HostFacts& facts, const plan::Plan& plan,
                       const policy::BehaviourLock* lock, events::EventLog& log)
    : deferred_(log),
      alerts_(deferred_),
      notes_(facts.project, alerts_),
      behaviour_(notes_, lock, facts.home),
      matcher_(values_of(facts.decoys, plan)),
      leaks_(matcher_, behaviour_) {
  log.on_flood([this](const events::Event& flood) { alerts_.record(flood); });
}

}  // namespace sandbox_run::cli
