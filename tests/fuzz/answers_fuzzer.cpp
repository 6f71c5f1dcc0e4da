// libFuzzer: any text as what a package manager answers when it is asked for its configuration.
#include "base/sys_error.h"
#include "fuzz.h"
#include "policy/registries.h"

namespace {

using namespace sandbox_run;
using fuzz::require;
using policy::PackageManager;

bool names_user(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of("/?#")).find('@') != std::string_view::npos;
}

void check(PackageManager manager, const std::vector<std::optional<std::string>>& outputs) {
  try {
    const auto facts = policy::parse_answers(manager, outputs);
    for (const std::string& registry : facts.registries) {
      require(!names_user(registry));
    }
    for (const auto& rule : policy::rules_for_registries(facts.registries).rules) {
      require(!rule.ports.empty() && !rule.host.is_wildcard() && !rule.host.is_loopback());
    }
  } catch (const base::UserError& error) {
    require(!fuzz::has_control(error.what()));
  }
  if (const auto global = policy::parse_global_answers(manager, outputs, "/home/u/.pnpm")) {
    require(global->first.starts_with('/') && global->second.starts_with('/'));
  }
}

}  // namespace

FUZZ_TARGET(answers, data, size) {
  const auto texts = fuzz::texts_of(data, size, 2);
  for (const PackageManager manager :
       {PackageManager::npm, PackageManager::pnpm, PackageManager::yarn, PackageManager::pip,
        PackageManager::bun, PackageManager::deno}) {
    std::vector<std::optional<std::string>> outputs(policy::registry_queries(manager).size());
    for (std::size_t i = 0; i < outputs.size(); ++i) outputs[i] = texts[i % texts.size()];
    check(manager, outputs);
  }
  return 0;
}
