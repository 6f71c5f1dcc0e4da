// libFuzzer: any text as each package manager's lockfile; before it the name that is asked for.
#include <tuple>

#include "fuzz.h"
#include "watch/dependency_graph.h"

namespace {

using namespace sandbox_run;
using fuzz::require;

void check(const watch::DependencyGraph& graph, const std::string& name) {
  for (const char* version : {"", "1.0.0"}) {
    const std::vector<std::string> path = graph.path_to(name, version);
    if (path.empty()) continue;
    require(!graph.empty());
    require(path.back() == name);
    require(path.size() <= watch::DependencyGraph::kMaxPackages);
  }
}

}  // namespace

FUZZ_TARGET(lockfile, data, size) {
  const auto texts = fuzz::texts_of(data, size, 3);
  const auto& [name, text, manifest] = std::tie(texts[0], texts[1], texts[2]);
  check(watch::parse_package_lock(text), name);
  check(watch::parse_pnpm_lock(text, "app"), name);
  check(watch::parse_yarn_lock(text, manifest), name);
  check(watch::parse_bun_lock(text, "app"), name);
  check(watch::parse_deno_lock(text, "app"), name);
  for (const std::string& place : watch::places_of(manifest.substr(0, 200), name)) {
    require(place.ends_with(name));
  }
  return 0;
}
