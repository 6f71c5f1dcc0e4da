#include "plan/small_files.h"

#include <sys/stat.h>

#include "base/io.h"
#include "base/sys_error.h"

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

bool is_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace sandbox_run::plan
