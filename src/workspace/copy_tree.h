#pragma once

#include <string>

#include "workspace/tree.h"

namespace sandbox_run::workspace {

enum class Owners { kept, ours };

/// Copies entry `from_name` (file, link or whole directory) to `to_name`, which must not exist:
/// content (reflink where the file system can, holes stay holes), mode, times, hard links among its
/// files, user attributes but overlay's; the owner if we are root, and `owners` says so. Devices,
/// sockets and FIFOs are left out. No link is followed. What may not be read is made readable
/// meanwhile where it is ours to change (a layer); as it is, it is copied as something empty that
/// may not be read either. Throws SysError (the rest of the copy stays), TooDeep.
void copy_entry(int from_dir, const std::string& from_name, int to_dir, const std::string& to_name,
                Access access = Access::make_passable, Owners owners = Owners::kept);

}  // namespace sandbox_run::workspace
