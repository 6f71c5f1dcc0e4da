#pragma once

#include <string>
#include <string_view>

// What a run was begun for (its layers and their targets), sealed where the supervisor can't write
// once it reads hostile bytes: <state>/seals/<run>, the digest of the layers' record. The records
// themselves lie in the run's directory; whoever took the supervisor over could write one for the
// next run to follow.

namespace sandbox_run::workspace {

/// Throws SysError.
void seal_run(int run_fd, std::string_view layers_record);
bool is_sealed(int run_fd, std::string_view layers_record);
/// Of a run whose directory is removed.
void remove_seal(const std::string& state_directory, const std::string& run);

}  // namespace sandbox_run::workspace
