#include "plan/host_path.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/unique_fd.h"

namespace sandbox_run::plan {
namespace {

void add_status(const struct stat& status, HostPath& found) {
  found.directory = S_ISDIR(status.st_mode);
  const mode_t needed = found.directory ? S_IROTH | S_IXOTH : S_IROTH;
  found.public_read = (status.st_mode & needed) == needed;
}

}  // namespace

std::optional<HostPath> HostLook::at(const std::string& path) {
  if (path.empty() || is_known_missing(path)) return std::nullopt;
  const auto own = base::stat_no_follow(path);
  if (!own) return std::nullopt;
  HostPath found;
  found.path = path;
  if (S_ISLNK(own->st_mode)) {
    found.link = base::read_link(AT_FDCWD, path);
    const auto real = base::real_path(path);
    if (!real) return found;
    found.real = *real;
    struct stat status {};
    if (::stat(real->c_str(), &status) == 0) add_status(status, found);
    return found;
  }
  const std::string name = base::file_name(path);
  if (path == "/" || name == "." || name == "..") {
    found.real = base::real_path(path).value_or("");
  } else if (const std::string& above = real_directory(base::parent_path(path)); !above.empty()) {
    found.real = base::join_path(above, name);
  }
  if (!found.real.empty()) add_status(*own, found);
  return found;
}

std::vector<HostPath> HostLook::at_all(const std::vector<std::string>& paths) {
  std::vector<HostPath> found;
  for (const std::string& path : paths) {
    if (auto one = at(path)) found.push_back(std::move(*one));
  }
  return found;
}

void HostLook::list(const std::string& directory) {
  const base::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return;  // what is not known is looked at one by one
  std::set<std::string>& names = listed_[directory];
  for (base::DirectoryEntry& entry : base::list_directory(fd.get())) {
    names.insert(std::move(entry.name));
  }
}

bool HostLook::is_known_missing(const std::string& path) const {
  for (const auto& [directory, names] : listed_) {
    if (!base::is_beneath(path, directory) || path == directory) continue;
    const std::string rest = base::relative_to(path, directory);
    return names.count(rest.substr(0, rest.find('/'))) == 0;
  }
  return false;
}

const std::string& HostLook::real_directory(const std::string& directory) {
  const auto known = real_.find(directory);
  if (known != real_.end()) return known->second;
  return real_.emplace(directory, base::real_path(directory).value_or("")).first->second;
}

}  // namespace sandbox_run::plan
