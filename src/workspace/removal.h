#pragma once

#include <string>

namespace sandbox_run::workspace {

/// Removes entry `name` of `dir_fd` and all beneath it, whatever a script made of it: modes 000,
/// directories nested by the ten thousand. No link is followed; missing is fine. Throws SysError.
void remove_entry(int dir_fd, const std::string& name);

/// Removes all that is in the directory, not itself.
void remove_contents(int dir_fd);

}  // namespace sandbox_run::workspace
