#pragma once

#include <string>
#include <string_view>

// What a run was begun for (its layers and their targets), sealed where the supervisor can't write
// once it reads hostile bytes: <state>/seals/<run>, with the digest of the layers' record. The
// records themselves lie in the run's directory; whoever took the supervisor over could write one
// for the next run to follow.

namespace sandbox_run::workspace {

/// `project`: the project's directory, "" if the run has none. Throws SysError.
void seal_run(int run_fd, std::string_view layers_record, const std::string& project);
bool is_sealed(int run_fd, std::string_view layers_record);
/// The project that a run was begun in; "": none, or it is not sealed. Throws SysError.
std::string sealed_project(const std::string& run_directory);
/// To the disk: from now on recovery may depend on it. Throws SysError.
void sync_seal(int run_fd);
/// Of a run whose directory is removed.
void remove_seal(const std::string& state_directory, const std::string& run);

}  // namespace sandbox_run::workspace
