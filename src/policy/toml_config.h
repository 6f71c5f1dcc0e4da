#pragma once

#include <string>
#include <string_view>

#include "policy/policy.h"

namespace sandbox_run::policy {

/// A TOML file anew, of the keys that are kept ("install.registry", each table's name a part) and
/// not dropped (by a name alone, wherever it stands), without credentials in URLs. "" of what is no
/// TOML.
std::string kept_toml(const HomeFile& file, std::string_view text);

}  // namespace sandbox_run::policy
