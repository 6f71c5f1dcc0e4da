#include "cli/plan_text.h"

#include "base/path.h"
#include "base/text.h"
#include "cli/state.h"
#include "cli/supervisor_files.h"
#include "policy/egress.h"
#include "sandbox/launch.h"
#include "workspace/placement.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;
using base::printable;

plan::LayerKind layer_kind(policy::TargetKind kind) {
  switch (kind) {
    case policy::TargetKind::project:
      return plan::LayerKind::project;
    case policy::TargetKind::environment:
    case policy::TargetKind::global_packages:
    case policy::TargetKind::global_programs:
      return plan::LayerKind::environment;
    case policy::TargetKind::cache:
      return plan::LayerKind::cache;
    case policy::TargetKind::extra:
      return plan::LayerKind::extra;
  }
  return plan::LayerKind::extra;
}

/// What sandbox-run itself can do of files while the command runs.
std::string describe(const plan::SupervisorFiles& files) {
  const auto line = [](const char* what, std::vector<std::string> paths) {
    for (std::string& path : paths) path = printable(path);
    return paths.empty() ? "" : std::string("itself     ") + what + base::join(paths, " ") + "\n";
  };
  return line("reads ", files.readable) + line("changes ", files.writable);
}

}  // namespace

std::vector<plan::Layer> plan_layers(const std::vector<workspace::LayerDirectory>& directories,
                                     const std::string& empty) {
  std::vector<plan::Layer> layers;
  for (const workspace::LayerDirectory& directory : directories) {
    const workspace::Target& target = directory.target;
    layers.push_back({target.path, layer_kind(target.kind),
                      target.lower_is_empty ? empty : directory.lower, directory.upper,
                      directory.work, target.lower_is_empty});
  }
  return layers;
}

std::string describe_plan(const Preparation& prepared) {
  std::vector<workspace::LayerDirectory> layers;
  for (const workspace::Target& target : prepared.targets) {
    const std::string layer = "RUN/layers/" + std::to_string(layers.size());
    layers.push_back({target, target.lower_is_copied ? layer + "/lower" : target.path,
                      layer + "/upper", layer + "/work"});
  }
  const plan::Plan plan = plan::make_plan(prepared.policy, prepared.facts,
                                          plan_layers(layers, "RUN/empty"), plan::Purpose::run);
  std::string text = plan::to_text(plan);
  for (const policy::EgressRule& rule : prepared.policy.network.allow) {
    text += "egress     " + rule.host.text();
    for (const std::uint16_t port : rule.ports) text += " " + std::to_string(port);
    if (rule.origin == policy::EgressRule::Origin::registry) text += "  (registry)";
    text += "  for " + policy::to_words(rule.audience);
    if (rule.protocol == policy::EgressRule::Protocol::any) text += ", any protocol";
    if (rule.addresses == policy::EgressRule::Addresses::private_too) text += ", private addresses";
    text += "\n";
  }
  const std::string state = state_directory(prepared.facts.state_home);
  for (const workspace::Target& target : prepared.targets) {
    const bool renamed = workspace::commit_way(state, target.path) == workspace::CommitWay::rename;
    text += "commit     " + printable(target.path) +
            (renamed ? "  by rename\n"
                     : "  by copy (" + printable(state) + " is on another file system)\n");
    if (target.lower_is_copied && target.kind != policy::TargetKind::cache) {
      text += "copy       " + printable(target.path) +
              (target.has_foreign_owners
                   ? "  before the run (no overlay can change other owners' or groups' files)\n"
                   : "  before the run (no overlay can lie above its file system)\n");
    }
    for (const std::string& name : target.hidden) {
      text += "empty      " + printable(join_path(target.path, name)) +
              "  (the old one goes when the new one is in)\n";
    }
  }
  if (plan.landlock.abi >= sandbox::kSupervisorLandlockAbi) {
    text += describe(supervisor_files(prepared.facts, state, base::join_path(state, "runs"),
                                      prepared.targets, {}, {}));
  }
  for (const std::string& warning : prepared.warnings) text += "note       " + warning + "\n";
  for (const std::string& hint : prepared.hints) text += "note       " + hint + "\n";
  return text;
}

}  // namespace sandbox_run::cli
