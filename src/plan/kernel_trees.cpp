#include "plan/kernel_trees.h"

#include <utility>

namespace sandbox_run::plan {
namespace {

/// A random UUID, the same for all.
constexpr const char* kBootId = "6d1c6a3e-8a0f-4b7e-9a55-2f6c0d9b41e7\n";

}  // namespace

std::vector<MountStep> kernel_trees(const HostFacts& facts) {
  std::vector<MountStep> steps;
  steps.emplace_back(ProcMount{"/proc"});
  // What tells this host from others, and names its disks.
  steps.emplace_back(Mask{"/proc/cmdline", false, "\n"});
  steps.emplace_back(Mask{"/proc/sys/kernel/random/boot_id", false, kBootId});
  if (facts.privileged) {
    for (const HostPath& secret : facts.kernel_secrets) {
      steps.emplace_back(Mask{secret.path, secret.directory});
    }
  }
  steps.emplace_back(TmpfsMount{"/dev", 0755, 0});
  for (const HostPath& device : facts.devices) {
    steps.emplace_back(BindMount{device.path, device.path, Access::read_write, true});
  }
  steps.emplace_back(DevptsMount{"/dev/pts"});
  steps.emplace_back(TmpfsMount{"/dev/shm", 01777, 0});
  for (const auto& [target, content] : {std::pair{"/dev/ptmx", "pts/ptmx"},
                                        {"/dev/fd", "/proc/self/fd"},
                                        {"/dev/stdin", "/proc/self/fd/0"},
                                        {"/dev/stdout", "/proc/self/fd/1"},
                                        {"/dev/stderr", "/proc/self/fd/2"}}) {
    steps.emplace_back(SymbolicLink{target, content});
  }
  steps.emplace_back(TmpfsMount{"/tmp", 01777, 0});
  steps.emplace_back(TmpfsMount{"/var/tmp", 01777, 0});
  steps.emplace_back(TmpfsMount{"/run", 0755, 0});
  return steps;
}

}  // namespace sandbox_run::plan
