#pragma once

#include <string>
#include <vector>

#include "plan/host_facts.h"
#include "policy/policy.h"

// A project of the user's beside the command's own, which a manifest leads to (`file:../lib`): the
// command may read it, as the package manager has to, but not what it keeps to itself. (The
// command's own project is shown as it is: it could not run without.)

namespace sandbox_run::plan {

struct NeighbourSecrets {
  std::vector<ConfigurationFile> configuration;  // its copies have no credentials
  std::vector<PrivatePlace> places;              // that others may not read
  std::vector<std::string> unseen;               // too many files: hidden as a whole
};

/// The attack: a project that was cloned says "victim": "file:../victim", and a script reads the
/// token in that one's .git/config, its .env, its key of mode 0600.
///
/// Not looked through: node_modules, and what git keeps beside its configuration. A neighbour that
/// is closed to others as a whole was made with a umask: its modes tell nothing apart.
NeighbourSecrets find_neighbour_secrets(const policy::Policy& policy, const HostFacts& facts);

/// What is hidden so, if anything is, in words, with the cure; "" if nothing is, or nobody misses
/// it: the command succeeded, and its manager does not copy what `file:../lib` names (npm and pip
/// link it).
std::string note_of_neighbours(const HostFacts& facts, policy::PackageManager manager,
                               bool has_failed);

}  // namespace sandbox_run::plan
