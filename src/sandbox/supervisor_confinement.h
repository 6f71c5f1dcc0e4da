#pragma once

namespace sandbox_run::sandbox {

/// Takes from the calling process what a supervisor needs no more once its sandbox is launched, and
/// reads it back: all capabilities but those by which root commits to files of others; any gain by
/// exec (no_new_privs); and the system calls of kRefusedToSupervisor, those that start programs or
/// make namespaces among them (seccomp(2)). Threads that are started later have the same.
///
/// Must: come before the first byte of the sandboxee's is read. Landlock's part is done by
/// launch(), before the sandboxee is started: see keeper.h.
///
/// Throws SysError.
void confine_supervisor();

}  // namespace sandbox_run::sandbox
