#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/policy.h"

namespace sandbox_run::policy {

struct FilteredEnvironment {
  std::vector<std::pair<std::string, std::string>> entries;
  std::vector<std::string> withheld;  // names only, never values; sorted
  /// Names of whose value a secret was cut out: user:password@ of a URL, or what looks like one
  /// among the variables given on make's command line. Sorted.
  std::vector<std::string> stripped;
};

/// Pure. `environment` as from environ(7), split at the first '='. Of two entries of one name the
/// first counts, as for getenv(3). Entries of `policy.set` are not applied here (they need the
/// host's paths): plan/ does.
///
/// A variable is let in if `policy.always` names it; else never if `policy.withhold` does; else if
/// `policy.allow` does and its value has no token's form, if its value is a switch, or if one of
/// `policy.readers` reads it and its value does not look like a secret (secret_value.h).
FilteredEnvironment filter_environment(
    const EnvironmentPolicy& policy,
    const std::vector<std::pair<std::string, std::string>>& environment);

/// The packages whose installers are known to read the variable.
std::vector<std::string> readers_of(const EnvironmentPolicy& policy, std::string_view name);

/// MAKEFLAGS without what follows the options: `make TOKEN=x` leaves " -- TOKEN=x" there.
std::string without_make_variables(std::string_view flags);

/// Where HomeFile `file` is: the absolute path in the first of its path_variables that is set and
/// not empty, else `file.path` with its placeholder. "" if a variable leads to no ordinary file
/// (/dev/null: "no configuration"). A relative value counts for nothing.
std::string home_file_path(const HomeFile& file,
                           const std::vector<std::pair<std::string, std::string>>& environment);

/// "https://user:pw@host/x" → "https://host/x", anywhere in `text`. A password with an unquoted '/'
/// in it is cut too.
std::string without_url_credentials(std::string_view text);

/// A copy of a configuration file without lines whose key matches HomeFile::drop_keys, without
/// comments (old tokens live there), and without credentials in URLs. Unparsable lines are dropped:
/// what is not understood is not shown.
std::string without_credentials(const HomeFile& file, std::string_view text);

}  // namespace sandbox_run::policy
