#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/npmrc.h"

// What pnpm and yarn would answer (policy/registries.h), read from where they would read it: to
// start them takes a third of a second, at the first run in a fresh place. Pure.

namespace sandbox_run::policy {

/// In the order of registry_queries(), for parse_answers().
using Answers = std::vector<std::optional<std::string>>;

/// pnpm up to 11, a program of Node.js. nullopt: not certain, ask pnpm itself.
std::optional<Answers> read_pnpm_answers(const ManagerPlace& place, const TextReader& read);

/// yarn 2 and later. nullopt: not certain, or yarn 1: ask yarn itself.
std::optional<Answers> read_yarn_answers(const ManagerPlace& place, const TextReader& read);

}  // namespace sandbox_run::policy
