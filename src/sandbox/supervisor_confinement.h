#pragma once

namespace sandbox_run::sandbox {

/// Takes from the calling process what a supervisor needs no more once its sandbox is launched, and
/// reads it back: all capabilities but those by which root commits to files of others; any gain by
/// exec (no_new_privs); and the system calls of kRefusedToSupervisor, those that start programs or
/// make namespaces among them (seccomp(2)). Threads that are started later have the same.
///
/// Must:     come before the first byte of the sandboxee's is read.
/// Must not: use Landlock: a process in a Landlock domain may not look into one that is outside it
///           (landlock(7), "Ptrace restrictions"), and the sandboxee's is not beneath ours. Reading
///           what is executed, and marking sockets, would end.
///
/// Throws SysError.
void confine_supervisor();

}  // namespace sandbox_run::sandbox
