#pragma once

#include <string>

namespace sandbox_run::workspace {

/// Copies entry `from_name` (file, link or whole directory) to `to_name`, which must not exist:
/// content (reflink where the file system can, holes stay holes), mode, times, hard links among its
/// files, user attributes but overlay's; the owner if we are root. Devices, sockets and FIFOs are
/// left out. No link is followed. Throws SysError (the rest of the copy stays), TooDeep.
void copy_entry(int from_dir, const std::string& from_name, int to_dir, const std::string& to_name);

}  // namespace sandbox_run::workspace
