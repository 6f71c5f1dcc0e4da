#pragma once

#include <sys/types.h>

#include "plan/plan.h"

namespace sandbox_run::sandbox {

/// Writes /proc/PID/{setgroups,uid_map,gid_map} for a fresh user namespace (user_namespaces(7)):
/// the caller's ids to themselves, or, for a caller that is really root, every id there is.
/// Throws SysError.
void write_id_maps(pid_t pid, const plan::IdMap& ids);

}  // namespace sandbox_run::sandbox
