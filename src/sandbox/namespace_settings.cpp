#include "sandbox/namespace_settings.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <variant>

#include "base/sys_error.h"
#include "base/unique_fd.h"

namespace sandbox_run::sandbox {

int detached_proc(const plan::Plan& plan, const ChildContext& context) {
  for (std::size_t i = 0; i < plan.mounts.size(); ++i) {
    if (std::holds_alternative<plan::ProcMount>(plan.mounts[i])) return context.mounts[i].get();
  }
  throw base::SysError(ENOENT, "finding /proc inside");
}

void write_setting(int proc, const char* path, std::string_view value) {
  const std::string doing = std::string("setting /proc/") + path + " inside";
  const base::UniqueFd fd(base::check_sys(::openat(proc, path, O_WRONLY | O_CLOEXEC), doing));
  if (::write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    throw base::SysError(doing);
  }
}

void limit_kernel_objects(const plan::Plan& plan, ChildContext& context) {
  // fakeroot has two queues and a semaphore. The semaphores: as they were before Linux 3.19.
  constexpr std::array<std::pair<const char*, const char*>, 2> kSettings{
      {{"sys/kernel/msgmni", "256"}, {"sys/kernel/sem", "250 32000 32 128"}}};
  if (::geteuid() != 0) return;  // these settings are root's
  const int proc = detached_proc(plan, context);
  for (const auto& [path, value] : kSettings) {
    try {
      write_setting(proc, path, value);
    } catch (const base::SysError& error) {
      if (error.error_number() != EACCES && error.error_number() != EPERM) throw;
      context.kernel_objects_unlimited = true;
    }
  }
}

}  // namespace sandbox_run::sandbox
