#pragma once

#include <string>

namespace sandbox_run::sandbox {

/// Can an overlay lie above this directory? Not where the file system folds case (FAT, NTFS, some
/// ext4), nor above overlays in overlays (a container in a container). Where the type alone does
/// not tell, it is tried, in a process and namespaces of its own, in which nothing is written.
/// Throws SysError if `directory` can't be looked at.
bool can_be_lower(const std::string& directory);

}  // namespace sandbox_run::sandbox
