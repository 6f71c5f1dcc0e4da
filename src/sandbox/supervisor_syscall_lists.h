#pragma once

// Which system calls the supervisor must not make: data for generate_filter.cpp, as
// syscall_table.h is for the sandboxee.

namespace sandbox_run::sandbox {

/// What the supervisor itself may do no more once the sandbox runs: EPERM. Of what the sandboxee
/// is refused all but those by which it looks into the sandboxee's processes (kSupervisorNeeds),
/// and these.
inline constexpr const char* kRefusedToSupervisor[] = {
    // another program; other ids
    "execve",
    "execveat",
    "setuid",
    "setreuid",
    "setresuid",
    "setgid",
    "setregid",
    "setresgid",
    "setgroups",
    "setfsuid",
    "setfsgid",
    "capset",
    // kernel attack surface
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "personality",
};
inline constexpr const char* kSupervisorNeeds[] = {"process_vm_readv", "pidfd_getfd"};

}  // namespace sandbox_run::sandbox
