#include "watch/write_place.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "base/path.h"
#include "base/text.h"

namespace sandbox_run::watch {
namespace {

/// The first `count` components.
std::string head(const std::vector<std::string>& components, std::size_t count) {
  const auto end =
      components.begin() + static_cast<std::ptrdiff_t>(std::min(count, components.size()));
  return base::join({components.begin(), end}, "/");
}

std::string place_in_project(const std::string& relative) {
  const std::vector<std::string> components = base::split(relative, '/');
  const auto modules = std::find(components.rbegin(), components.rend(), "node_modules");
  if (modules == components.rend()) return relative;
  const std::vector<std::string> inner(modules.base() - 1, components.end());
  const bool scoped = inner.size() > 2 && inner[1].starts_with('@');
  return head(inner, scoped ? 3 : 2);
}

}  // namespace

std::string write_place(const std::string& path, const std::string& project,
                        const std::string& home) {
  if (!project.empty() && base::is_beneath(path, project)) {
    return base::printable(place_in_project(base::relative_to(path, project)));
  }
  if (!home.empty() && base::is_beneath(path, home)) {
    return base::printable("~/" + head(base::split(base::relative_to(path, home), '/'), 2));
  }
  // Their names are new each time.
  for (const char* temporary : {"/tmp", "/var/tmp", "/dev/shm"}) {
    if (base::is_beneath(path, temporary)) return std::string("(a file in ") + temporary + ")";
  }
  if (base::is_beneath(path, "/dev")) return "";
  return base::printable("(a file in /" + head(base::split(path.substr(1), '/'), 1) + ")");
}

}  // namespace sandbox_run::watch
