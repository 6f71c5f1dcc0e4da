#include "plan/small_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"

namespace sandbox_run::plan {
namespace {

constexpr std::size_t kMaxFile = 4U << 20;

}  // namespace

std::optional<std::string> read_text(const std::string& path) {
  try {
    return base::read_file_if_readable(path, kMaxFile);
  } catch (const base::SysError&) {
    return std::nullopt;
  }
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const base::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return names;
  for (base::DirectoryEntry& entry : base::list_directory(fd.get())) {
    names.push_back(std::move(entry.name));
  }
  return names;
}

bool is_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace sandbox_run::plan
