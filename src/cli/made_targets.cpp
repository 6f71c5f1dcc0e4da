#include "cli/made_targets.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/path.h"
#include "base/sys_error.h"
#include "sandbox/overlay_probe.h"

namespace sandbox_run::cli {

std::string existing_directory(std::string path) {
  while (path != "/" && !base::is_directory(path)) path = base::parent_path(path);
  return path;
}

void MadeTargets::make(std::vector<workspace::Target>& targets, const std::string& home) {
  for (workspace::Target& target : targets) {
    if (!target.lower_is_empty || !base::is_beneath(home, existing_directory(target.path)))
      continue;
    std::vector<std::string> missing;
    for (std::string path = target.path; !base::is_directory(path);
         path = base::parent_path(path)) {
      missing.push_back(path);
    }
    std::for_each(missing.rbegin(), missing.rend(), [this](const std::string& path) {
      // Another run may make the same cache at the same time.
      if (::mkdir(path.c_str(), 0777) == 0)
        made_.push_back(path);
      else if (errno != EEXIST)
        throw base::SysError("making " + path);
    });
    target.lower_is_empty = false;
    target.lower_is_copied = !sandbox::can_be_lower(target.path);
  }
}

MadeTargets::~MadeTargets() {
  std::for_each(made_.rbegin(), made_.rend(),
                [](const std::string& path) { ::rmdir(path.c_str()); });
}

}  // namespace sandbox_run::cli
