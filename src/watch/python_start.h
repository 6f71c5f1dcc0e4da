#pragma once

#include <cstdint>
#include <string>

namespace sandbox_run::watch {

/// Has anything been changed, at or after `since` (ns since 1970), that an environment's pip loads
/// or runs before it does what it was asked for? `upper`: where the changes of a target land;
/// `prefix`: the environment's place in the target, "" for the target itself. Times are ctimes of
/// the layer, which nobody inside can set. A .pth of nothing but paths, and setuptools' own of an
/// editable install, run nothing. Fails closed.
///
/// The attacks, of a build for the pip that the user's own command starts next, which is a package
/// manager: it leaves a .pth file, another bin/python3, a module that pip or Python look for beside
/// their own (bin/ is looked through first); puts back the old times; renames a directory that was
/// prepared earlier (a wheel's) into the place of one of these: then the directory, or the one that
/// holds it, has a new ctime.
bool python_start_is_changed(const std::string& upper, const std::string& prefix,
                             std::int64_t since);

/// Is there anything in the layer's directory `path`, changed at or after `since`, that a Python
/// that starts there with `-m` could load?
bool modules_are_changed(const std::string& upper, const std::string& path, std::int64_t since);

}  // namespace sandbox_run::watch
