#pragma once

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/path.h"
#include "base/unique_fd.h"
#include "scratch_directory.h"
#include "watch/process_root.h"

namespace sandbox_run::watch {

/// A directory that plays a process's root. Paths are as that process sees them.
class RootDirectory {
 public:
  void file(const std::string& path, const std::string& text = "x") const {
    base::make_directories(scratch_.path() + base::parent_path(path), 0755);
    std::ofstream(scratch_.path() + path) << text;
  }
  void link(const std::string& path, const std::string& target) const {
    base::make_directories(scratch_.path() + base::parent_path(path), 0755);
    std::filesystem::create_symlink(target, scratch_.path() + path);
  }
  base::UniqueFd open(const std::string& path) const {
    return base::UniqueFd(
        ::open((scratch_.path() + path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  ProcessRoot process_in(const std::string& directory) const {
    return ProcessRoot(open("/"), open(directory), directory);
  }

 private:
  test::ScratchDirectory scratch_;
};

}  // namespace sandbox_run::watch
