#pragma once

#include "workspace/workspace.h"

// What a hard link from a dependency's directory (`file:../lib`) into node_modules would have
// brought about. No link can be made from one mount to another, so that the package manager copied
// the file, and made the copy executable alone.
//
// The attack: a dependency's script makes more of the copy: another file, another content, other
// mode bits, links in its place. So of the copy nothing counts but that it is executable; which
// files are meant says the manifest as the host has it; and whether it is committed says the judge
// (policy::Content::made_executable).
//
// Must: change nothing of the layer that the command has changed there.

namespace sandbox_run::workspace {

/// Puts the programs into the layers of their own directories, with the x bits of their copies.
/// Throws SysError (disk full, …).
void make_executable_at_home(const std::vector<LayerDirectory>& layers,
                             const std::vector<policy::LinkedProgram>& programs);

}  // namespace sandbox_run::workspace
