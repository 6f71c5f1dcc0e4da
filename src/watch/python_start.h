#pragma once

#include <cstdint>
#include <string>

namespace sandbox_run::watch {

/// Has anything been changed, at or after `since` (ns since 1970), that an environment's pip loads
/// or runs before it does what it was asked for? `upper`: where the environment's changes land.
/// Times are ctimes of the layer, which nobody inside can set. A .pth of nothing but paths, and
/// setuptools' own of an editable install, run nothing. Fails closed.
///
/// The attack: a build leaves a .pth file, or another bin/python3, for the pip that the user's own
/// command starts next: that one is a package manager.
bool python_start_is_changed(const std::string& upper, std::int64_t since);

}  // namespace sandbox_run::watch
