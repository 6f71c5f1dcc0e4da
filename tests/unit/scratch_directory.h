#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/path.h"
#include "base/sys_error.h"

namespace sandbox_run::test {

/// A new directory where temporary files go (TMPDIR), removed with all in it at the end. Its path
/// is real: no component is a link.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = std::filesystem::canonical(std::filesystem::temp_directory_path());
    name += "/sandbox-run-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw base::SysError("making " + name);
    path_ = name;
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() { base::remove_tree(path_); }

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// A directory in it, made with those above it.
  std::string make(const std::string& relative) const {
    base::make_directories(file(relative), 0755);
    return file(relative);
  }

 private:
  std::string path_;
};

}  // namespace sandbox_run::test
