// libFuzzer: any text as the configuration of npm, pnpm and yarn, read in place of asking them; and
// as what pip and npm say of proxies.
#include "base/sys_error.h"
#include "fuzz.h"
#include "policy/npm_config.h"
#include "policy/proxy.h"
#include "policy/read_answers.h"
#include "policy/registries.h"

namespace {

using namespace sandbox_run;
using fuzz::require;
using policy::PackageManager;

/// A line that begins anew may not become another one's: only URLs are registries.
void check_rules(const std::vector<std::string>& urls) {
  for (const policy::EgressRule& rule : policy::rules_for_registries(urls).rules) {
    require(!rule.ports.empty() && !rule.host.text().empty() && !rule.host.is_wildcard());
    require(!rule.host.is_loopback());
  }
}

void check_answers(PackageManager manager, const std::optional<policy::Answers>& answers) {
  if (!answers) return;
  try {
    check_rules(policy::parse_answers(manager, *answers).registries);
  } catch (const base::UserError&) {
    return;
  }
}

void check_proxies(PackageManager manager, std::string_view text) {
  const policy::Variables variables = policy::proxy_settings(manager, text, {{"X", "y"}});
  try {
    const policy::ProxyPolicy proxies = policy::proxies_in(manager, variables);
    (void)policy::proxy_for(proxies, "registry.example.com", 443);
  } catch (const base::UserError& error) {
    require(!fuzz::has_control(error.what()));
  }
}

}  // namespace

FUZZ_TARGET(npmrc, data, size) {
  constexpr std::string_view kDefinitions =
      "registry: new Definition('registry', {\n    default: 'https://default.example/',";
  const std::string text(fuzz::text_of(data, size));
  policy::ManagerPlace place;
  place.home = "/home/u";
  place.config_home = "/home/u/.config";
  place.directory = "/home/u/app";
  place.above = {"/home/u/app/packages/a"};
  place.node = "/usr/bin/node";
  place.environment = {{"X", "y"}};
  const policy::TextReader read = [&](const std::string& path) -> std::optional<std::string> {
    if (path.ends_with("/definitions.js")) return std::string(kDefinitions);
    return text;
  };
  place.program = "/usr/lib/node_modules/npm";
  place.arguments = {"npm", "ci"};
  if (const auto facts = policy::read_npm_config(place, read)) check_rules(facts->registries);
  place.program = "/usr/lib/node_modules/pnpm/bin/pnpm.cjs";
  check_answers(PackageManager::pnpm, policy::read_pnpm_answers(place, read));
  place.program = "/usr/lib/node_modules/yarn/bin/yarn.js";
  check_answers(PackageManager::yarn, policy::read_yarn_answers(place, read));
  check_proxies(PackageManager::npm, text);
  check_proxies(PackageManager::pip, text);
  check_rules(
      policy::registries_in_arguments(PackageManager::pip, {"pip", "install", "-r", "x"}, {text}));
  return 0;
}
