#pragma once

#include <sys/capability.h>

#include <memory>
#include <type_traits>

#include "plan/plan.h"
#include "sandbox/child_context.h"

namespace sandbox_run::sandbox {

/// What libcap allocates: see cap_init(3).
struct CapDeleter {
  void operator()(void* state) const { ::cap_free(state); }
};
using CapState = std::unique_ptr<std::remove_pointer_t<cap_t>, CapDeleter>;

/// Bounding, ambient, then permitted, effective and inheritable sets: all empty, the last three
/// read back (capabilities(7)). The securebits keep uid 0 from getting any at execve. libcap is
/// seen only in this folder.
void drop_capabilities(const plan::Plan& plan, ChildContext& context);
/// PR_SET_NO_NEW_PRIVS: no setuid program, no file capability counts; read back.
void set_no_new_privileges(const plan::Plan& plan, ChildContext& context);

}  // namespace sandbox_run::sandbox
