#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/policy.h"

// What a package manager said of itself → rules. Pure: cli/ runs the queries, in a sandbox without
// network.

namespace sandbox_run::policy {

/// One command whose standard output (up to a megabyte: pnpm prints whole certificate bundles)
/// answers "which registries?". It is run in the project's directory.
struct RegistryQuery {
  enum class To { manager, python, yarn_1, later_yarn };
  std::vector<std::string> arguments;  // after the package manager's own words: ["npm"]
  To to = To::manager;  // python: after the Python that pip runs on instead: ["-c", program]
};
std::vector<RegistryQuery> registry_queries(PackageManager manager);

struct PackageManagerFacts {
  std::vector<std::string> registries;  // URLs, credentials cut out, no duplicates
  /// npm's cache, yarn berry's global folder, or the store that pnpm was told to use.
  std::optional<std::string> cache;
  std::optional<std::string> prefix;  // npm's global prefix
  /// Where pnpm or yarn 1 would install globally, of a command that does: the packages' directory
  /// and the programs', as they say.
  std::optional<std::pair<std::string, std::string>> global;
  /// pip: where an install goes.
  struct Python {
    std::string prefix;  // sys.prefix
    std::string base_prefix;
    std::string user_base;
    std::string user_site;
    bool user_site_enabled = false;
    std::vector<std::string> install_directories;  // purelib, platlib, scripts, headers, data
    std::string data;                              // root of the install scheme ("/usr/local")
  };
  std::optional<Python> python;
};

/// `outputs` in the order of registry_queries(); an element is nullopt if that query failed.
/// Throws UserError if nothing could be understood.
PackageManagerFacts parse_answers(PackageManager manager,
                                  const std::vector<std::optional<std::string>>& outputs);

/// What pnpm, yarn 1 and bun are asked for a global install, each with the options of `arguments`
/// that say where: the packages' directory, the programs' directory. Empty: such a manager has no
/// other than npm's.
std::vector<RegistryQuery> global_queries(PackageManager manager,
                                          const std::vector<std::string>& arguments);

/// The two answers, each a line with an absolute path. `pnpm_home`: where pnpm has its programs if
/// no setting says otherwise; `pnpm bin -g` does not answer where it can't write.
std::optional<std::pair<std::string, std::string>> parse_global_answers(
    PackageManager manager, const std::vector<std::optional<std::string>>& outputs,
    const std::string& pnpm_home);

/// Registries named on the command line itself: --registry URL, --@SCOPE:registry URL,
/// -i/--index-url, --extra-index-url, -f/--find-links. Also those in requirement files
/// (`requirement_texts`). As written: rules_for_registries() skips what is no URL.
std::vector<std::string> registries_in_arguments(PackageManager manager,
                                                 const std::vector<std::string>& arguments,
                                                 const std::vector<std::string>& requirement_texts);

/// http and https URLs → rules (origin registry, for the package manager alone, the URL's port or
/// its scheme's), one a host; other
/// schemes, paths, and hosts that are no plain name or address give none. A registry on this host's
/// loopback gives no rule but a hint: it must be allowed by name (--allow-host localhost:4873).
struct RegistryRules {
  std::vector<EgressRule> rules;
  std::vector<std::string> loopback;  // "localhost:4873"
};
RegistryRules rules_for_registries(const std::vector<std::string>& urls);

}  // namespace sandbox_run::policy
