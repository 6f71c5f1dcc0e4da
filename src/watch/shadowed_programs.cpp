#include "watch/shadowed_programs.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/path.h"

namespace sandbox_run::watch {
namespace {

/// node_modules/.bin; under yarn 4 a directory of its own for each run, with a script for each
/// program.
bool is_package_programs(const std::string& directory) {
  return directory.ends_with("/node_modules/.bin") ||
         base::file_name(directory).starts_with("xfs-");
}

bool host_has(const std::string& name) {
  static constexpr std::array kDirectories = {"/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"};
  return std::any_of(kDirectories.begin(), kDirectories.end(), [&](const char* directory) {
    return ::access(base::join_path(directory, name).c_str(), F_OK) == 0;
  });
}

/// "@scope/name" of …/node_modules/@scope/name/bin/x; "" of what lies in no package.
std::string package_in(std::string_view path) {
  constexpr std::string_view kModules = "/node_modules/";
  const std::size_t at = path.rfind(kModules);
  if (at == std::string_view::npos) return "";
  path.remove_prefix(at + kModules.size());
  std::size_t end = path.find('/');
  if (path.starts_with('@') && end != std::string_view::npos) end = path.find('/', end + 1);
  const std::string name(path.substr(0, end));
  return name.starts_with('.') ? "" : name;
}

}  // namespace

ShadowedPrograms::ShadowedPrograms(std::vector<std::string> names) : names_(std::move(names)) {
  std::sort(names_.begin(), names_.end());
}

std::optional<std::string> ShadowedPrograms::package_of(std::string_view path,
                                                        const Look& program) const {
  const std::string name = base::file_name(path);
  if (!std::binary_search(names_.begin(), names_.end(), name)) return std::nullopt;
  if (!is_package_programs(base::parent_path(path)) || !host_has(name)) return std::nullopt;
  return package_in(program.real_path);
}

}  // namespace sandbox_run::watch
