#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "plan/plan.h"
#include "sandbox/control_group.h"

namespace sandbox_run::cli {

struct MachineMemory {
  std::uint64_t bytes = 0;
  std::uint64_t swap = 0;
};

/// What this process can have of it: a container has often less than the machine
/// (memory.max of the control groups above this process, memory.limit_in_bytes of version 1).
MachineMemory machine_memory();

/// What the kernel could still give to new processes, and what it could swap out (proc_meminfo(5));
/// 0: it does not say.
std::uint64_t free_memory();

/// For a run; the supervisor may remove it later, which is added to the plan. nullptr: this host
/// gives none. `scope`: what the session's manager was asked for; nullptr: nothing.
std::unique_ptr<sandbox::ControlGroup> make_control_group(const std::string& run_id,
                                                          plan::Plan& plan,
                                                          sandbox::ScopeRequest* scope);

}  // namespace sandbox_run::cli
