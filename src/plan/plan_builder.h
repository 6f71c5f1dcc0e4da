#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "plan/plan.h"
#include "policy/policy.h"

namespace sandbox_run::plan {

/// What a run may change. Pure. Throws UserError: a project that must not be a target, an
/// `npm install -g` without its prefix allowed.
struct TargetChoice {
  std::string path;
  policy::TargetKind kind = policy::TargetKind::project;
  std::vector<std::string> packages = {};  // of a cache: see policy::CacheDirectory
  std::string known_as = {};               // see workspace::Target
  bool is_new = false;                     // see NewPlaces::made
  bool is_neighbour = false;               // likewise
};
std::vector<TargetChoice> choose_targets(const policy::Policy& policy, const HostFacts& facts);

enum class Purpose {
  run,
  query  // asking a package manager about itself: no network, no target, the project read-only
};

/// Pure. `layers` as made for choose_targets(), in that order (none for a query).
Plan make_plan(const policy::Policy& policy, const HostFacts& facts,
               const std::vector<Layer>& layers, Purpose purpose);

}  // namespace sandbox_run::plan
