#pragma once

namespace sandbox_run::sandbox {

/// Prints the answers to all system calls, with their reasons, in Markdown: syscall_table.h and
/// supervisor_syscall_lists.h as people read them.
void print_filter_table();

}  // namespace sandbox_run::sandbox
