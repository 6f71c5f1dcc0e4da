#pragma once

#include "plan/plan.h"
#include "sandbox/child_context.h"

// Mounts, by descriptor: open_tree(2), fsopen(2), move_mount(2). There is no RAII for a mount: the
// mount namespace owns them all and ends with the last process.

namespace sandbox_run::sandbox {

/// Nothing that init mounts may show up on the host.
void make_mounts_private(const plan::Plan& plan, ChildContext& context);
/// Opens a detached mount for each step that needs the host's tree, while that tree is still there.
void collect_mounts(const plan::Plan& plan, ChildContext& context);
/// Attaches them below a fresh tmpfs.
void build_root(const plan::Plan& plan, ChildContext& context);
/// pivot_root(2); the host's tree is gone afterwards, and this is checked.
void enter_root(const plan::Plan& plan, ChildContext& context);

}  // namespace sandbox_run::sandbox
