#include "cli/made_targets.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/path.h"
#include "sandbox/overlay_probe.h"

namespace sandbox_run::cli {

std::string existing_directory(std::string path) {
  while (path != "/" && !base::is_directory(path)) path = base::parent_path(path);
  return path;
}

void MadeTargets::make(std::vector<workspace::Target>& targets, const std::string& cache_home) {
  for (workspace::Target& target : targets) {
    if (!target.lower_is_empty || base::is_beneath(existing_directory(target.path), cache_home)) {
      continue;
    }
    make(target.path);
    // Where nothing can be made, a cache is not kept, and the commit of another target says so.
    if (!base::is_directory(target.path)) continue;
    target.lower_is_empty = false;
    target.lower_is_copied = !sandbox::can_be_lower(target.path);
  }
}

void MadeTargets::make(const std::string& path) {
  if (base::is_directory(path)) return;
  make(base::parent_path(path));
  if (::mkdir(path.c_str(), 0777) == 0) made_.push_back(path);
}

MadeTargets::~MadeTargets() {
  std::for_each(made_.rbegin(), made_.rend(),
                [](const std::string& path) { ::rmdir(path.c_str()); });
}

}  // namespace sandbox_run::cli
