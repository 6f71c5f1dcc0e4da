#pragma once

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "watch/process_root.h"

namespace sandbox_run::watch {

/// A directory that plays a process's root. Paths are as that process sees them.
class RootDirectory {
 public:
  RootDirectory() {
    if (::mkdtemp(path_.data()) == nullptr) throw base::SysError("making a directory");
  }
  RootDirectory(const RootDirectory&) = delete;
  RootDirectory& operator=(const RootDirectory&) = delete;
  ~RootDirectory() { base::remove_tree(path_); }

  void file(const std::string& path) const {
    base::make_directories(path_ + base::parent_path(path), 0755);
    std::ofstream(path_ + path) << "x";
  }
  void link(const std::string& path, const std::string& target) const {
    base::make_directories(path_ + base::parent_path(path), 0755);
    std::filesystem::create_symlink(target, path_ + path);
  }
  base::UniqueFd open(const std::string& path) const {
    return base::UniqueFd(::open((path_ + path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  ProcessRoot process_in(const std::string& directory) const {
    return ProcessRoot(open("/"), open(directory), directory);
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "watch_test.XXXXXX").string();
};

}  // namespace sandbox_run::watch
