#include "cli/machine_memory.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "base/io.h"
#include "base/path.h"
#include "sandbox/control_group_place.h"

namespace sandbox_run::cli {
namespace {

/// "max" is no number, and so no bound.
std::uint64_t lower_of(std::uint64_t bound, const std::string& path) {
  const auto text = base::read_file_if_readable(path);
  std::uint64_t value = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{}) {
    return bound;
  }
  return std::min(bound, value);
}

}  // namespace

MachineMemory machine_memory() {
  MachineMemory memory;
  struct sysinfo machine {};
  if (::sysinfo(&machine) != 0) return memory;
  memory.bytes = std::uint64_t{machine.totalram} * machine.mem_unit;
  memory.swap = std::uint64_t{machine.totalswap} * machine.mem_unit;
  const auto groups = base::read_file_if_readable("/proc/self/cgroup");
  const auto mounts = base::read_file_if_readable("/proc/self/mountinfo");
  if (!groups || !mounts) return memory;
  for (const auto& [controller, bound] :
       {std::pair{"", "memory.max"}, std::pair{"memory", "memory.limit_in_bytes"}}) {
    for (const std::string& group :
         sandbox::from_inner_to_outer(sandbox::control_group_place(*groups, *mounts, controller))) {
      memory.bytes = lower_of(memory.bytes, base::join_path(group, bound));
    }
  }
  return memory;
}

std::uint64_t free_memory() {
  constexpr std::uint64_t kKibi = 1024;
  const auto text = base::read_file_if_readable("/proc/meminfo");
  std::uint64_t sum = 0;
  for (const std::string_view key : {"MemAvailable:", "SwapFree:"}) {
    const std::size_t at = text ? text->find(key) : std::string::npos;
    if (at == std::string::npos) return 0;
    const std::size_t digits = text->find_first_not_of(' ', at + key.size());
    std::uint64_t value = 0;
    if (digits == std::string::npos) return 0;
    std::from_chars(text->data() + digits, text->data() + text->size(), value);
    sum += value * kKibi;
  }
  return sum;
}

std::unique_ptr<sandbox::ControlGroup> make_control_group(const std::string& run_id,
                                                          plan::Plan& plan,
                                                          sandbox::ScopeRequest* scope) {
  const MachineMemory memory = machine_memory();
  policy::Resources machine;
  machine.machine_memory = memory.bytes;
  machine.machine_swap = memory.swap;
  auto made =
      sandbox::ControlGroup::make(run_id, policy::group_limits(plan.limits, machine), scope);
  if (!made) return nullptr;
  plan.supervisor.tidied.push_back(made->parent());
  return std::make_unique<sandbox::ControlGroup>(std::move(*made));
}

}  // namespace sandbox_run::cli
