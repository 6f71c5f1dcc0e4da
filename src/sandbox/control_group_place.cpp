#include "sandbox/control_group_place.h"

#include <algorithm>

#include "base/path.h"
#include "base/text.h"

namespace sandbox_run::sandbox {
namespace {

bool names(std::string_view list, std::string_view controller) {
  const std::vector<std::string> all = base::split(list, ',');
  return std::find(all.begin(), all.end(), controller) != all.end();
}

/// Of a line "4:memory:/user.slice", or of version 2 "0::/user.slice", the last field.
std::string own_group(std::string_view groups, std::string_view controller) {
  for (const std::string& line : base::split(groups, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view controllers =
        std::string_view(line).substr(first + 1, second - first - 1);
    const bool is_it = controller.empty() ? controllers.empty() && line.substr(0, first) == "0"
                                          : names(controllers, controller);
    if (is_it) return line.substr(second + 1);
  }
  return "";
}

struct Mount {
  std::string root;   // what of the hierarchy is mounted
  std::string point;  // where
};

/// The fields of proc(5): "36 35 98:0 /root /point options [tags] - type source options".
Mount hierarchy(std::string_view mounts, std::string_view controller) {
  constexpr std::size_t kRoot = 3;
  constexpr std::size_t kPoint = 4;
  constexpr std::size_t kSuperOptions = 3;  // after the '-'
  Mount found;
  for (const std::string& line : base::split(mounts, '\n')) {
    const std::vector<std::string> fields = base::split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() <= kPoint || fields.end() - dash <= std::ptrdiff_t{kSuperOptions}) continue;
    const bool is_it = controller.empty()
                           ? dash[1] == "cgroup2"
                           : dash[1] == "cgroup" && names(dash[kSuperOptions], controller);
    if (is_it) found = {fields[kRoot], fields[kPoint]};  // the last one covers those before it
  }
  return found;
}

}  // namespace

ControlGroupPlace control_group_place(std::string_view groups, std::string_view mounts,
                                      std::string_view controller) {
  const std::string own = own_group(groups, controller);
  const Mount mount = hierarchy(mounts, controller);
  // "/.." begins the path of who is outside its namespace's root; blanks are escaped in mountinfo.
  if (own.empty() || mount.point.empty() || own.rfind("/..", 0) == 0 ||
      !base::is_beneath(own, mount.root) || mount.point.find('\\') != std::string::npos) {
    return {};
  }
  const std::string below = base::relative_to(own, mount.root);
  return {mount.point, below.empty() ? mount.point : base::join_path(mount.point, below)};
}

std::vector<std::string> from_inner_to_outer(const ControlGroupPlace& place) {
  std::vector<std::string> groups;
  if (place.path.empty()) return groups;
  for (std::string group = place.path; base::is_beneath(group, place.mount);
       group = base::parent_path(group)) {
    groups.push_back(group);
    if (group == place.mount || group == "/") break;
  }
  return groups;
}

}  // namespace sandbox_run::sandbox
