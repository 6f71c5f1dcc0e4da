#pragma once

#include "events/actor.h"

namespace sandbox_run::watch {

/// What /proc says of a process now, bounded; empty members if it is gone.
events::Process describe_process(int pid);

}  // namespace sandbox_run::watch
