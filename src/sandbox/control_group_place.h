#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sandbox_run::sandbox {

/// Where this process is in a hierarchy of control groups.
struct ControlGroupPlace {
  std::string mount;  // its root, as far as it is mounted here
  std::string path;   // absolute; mount, or beneath it
};

/// Pure: from the texts of /proc/self/cgroup and /proc/self/mountinfo. `controller`: "" for the one
/// hierarchy of version 2, else the name of one of version 1. `path` is "" if it is not mounted, or
/// this process is outside of what is. See cgroups(7).
ControlGroupPlace control_group_place(std::string_view groups, std::string_view mounts,
                                      std::string_view controller);

/// `place.path`, and all above it up to the mount's root.
std::vector<std::string> from_inner_to_outer(const ControlGroupPlace& place);

}  // namespace sandbox_run::sandbox
