#include "plan/gathered_paths.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/path.h"

namespace sandbox_run::plan {

void gather_in_directories(std::vector<std::string>& paths, std::size_t most,
                           const std::function<bool(const std::string& directory)>& is_wanted) {
  while (paths.size() > most) {
    std::set<std::string> wider;
    for (const std::string& path : paths) {
      const std::string parent = base::parent_path(path);
      wider.insert(is_wanted(parent) ? path : parent);
    }
    const bool is_smaller = wider.size() < paths.size();
    paths.assign(wider.begin(), wider.end());
    if (!is_smaller) break;
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> outermost;
  for (std::string& path : paths) {
    if (outermost.empty() || !base::is_beneath(path, outermost.back())) {
      outermost.push_back(std::move(path));
    }
  }
  paths = std::move(outermost);
}

}  // namespace sandbox_run::plan
