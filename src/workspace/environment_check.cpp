#include "workspace/environment_check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/digest.h"
#include "base/io.h"
#include "base/path.h"
#include "workspace/recorded.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

using policy::Judgement;
using policy::Verdict;

constexpr off_t kMaxEnvironmentFile = off_t{64} * 1024;
constexpr std::array<const char*, 2> kSites{"site-packages", "dist-packages"};

std::vector<std::string> names_in(int root, const std::string& path) {
  std::vector<std::string> names;
  const base::UniqueFd directory(root < 0 ? -1 : try_open_directory(root, path));
  if (!directory) return names;
  std::vector<char> buffer;
  for_each_entry(directory.get(), buffer,
                 [&](const char* name, unsigned char) { names.emplace_back(name); });
  return names;
}

/// Where distributions lie, relative to the target's root: "lib/python3.11/site-packages" …
std::vector<std::string> sites_in(int root) {
  std::vector<std::string> sites;
  for (const char* library : {"lib", "lib64"}) {
    for (const std::string& name : names_in(root, library)) {
      if (!name.starts_with("python")) continue;
      for (const char* site : kSites) {
        sites.push_back(child_path(child_path(library, name), site));
      }
    }
  }
  return sites;
}

std::string read_path_file(int dir_fd, const std::string& name) {
  const base::UniqueFd file(
      ::openat(dir_fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return "";
  if (!S_ISREG(status.st_mode) || status.st_size > kMaxEnvironmentFile) return "";
  return base::read_all(file.get(), static_cast<std::size_t>(kMaxEnvironmentFile),
                        "reading " + name);
}

std::set<std::string, std::less<>> imported_in(int root) {
  std::set<std::string, std::less<>> modules;
  std::vector<std::string> sites = sites_in(root);
  sites.insert(sites.end(), kSites.begin(), kSites.end());  // of pip --user
  sites.emplace_back();                                     // of pip --target
  for (const std::string& site : sites) {
    const base::UniqueFd directory(root < 0 ? -1 : try_open_directory(root, site));
    if (!directory) continue;
    for (const std::string& name : names_in(root, site)) {
      if (name.ends_with(".pth")) {
        modules.merge(policy::path_file_imports(read_path_file(directory.get(), name)));
      }
    }
  }
  return modules;
}

/// Of "…/site-packages/x/y.py": "x".
std::string_view module_of(std::string_view dir_path, std::string_view name) {
  std::string_view inside = dir_path;
  for (const std::string_view site : kSites) {
    const std::size_t at = dir_path.rfind(site);
    const bool is_whole = at != std::string_view::npos && (at == 0 || dir_path[at - 1] == '/');
    if (!is_whole) continue;
    const std::string_view rest = dir_path.substr(at + site.size());
    if (rest.empty() || rest.front() == '/')
      inside = rest.substr(std::min(rest.size(), std::size_t{1}));
  }
  const std::string_view first = inside.empty() ? name : inside;
  return first.substr(0, first.find_first_of("/."));
}

}  // namespace

EnvironmentCheck::EnvironmentCheck(const Target& target, int layer_root, int host_root,
                                   const KnownPlaces& known)
    : layer_root_(layer_root), host_root_(host_root) {
  if (target.kind != policy::TargetKind::environment) return;
  for (const std::string& directory : known.programs) {
    if (!base::is_beneath(directory, target.path)) programs_.push_back(directory);
  }
  imported_ = imported_in(host_root);
}

/// The environment's own Python and pip have rules of their own.
bool EnvironmentCheck::shadows_a_program(const std::string& name) const {
  if (name.starts_with("python") || name.starts_with("pypy")) return false;
  return std::any_of(programs_.begin(), programs_.end(), [&](const std::string& directory) {
    struct stat status {};
    return ::stat(base::join_path(directory, name).c_str(), &status) == 0 &&
           S_ISREG(status.st_mode) && (status.st_mode & 0111U) != 0;
  });
}

bool EnvironmentCheck::is_recorded_program(int dir_fd, const char* name) const {
  for (const int root : {layer_root_, host_root_}) {
    for (const std::string& site : sites_in(root)) {
      if (is_recorded_in(layer_root_, host_root_, dir_fd, name, site,
                         std::string("../../../bin/") + name)) {
        return true;
      }
    }
  }
  return false;
}

std::optional<Judgement> EnvironmentCheck::objection(int dir_fd, const char* name,
                                                     const std::string& dir_path, char type) const {
  if (dir_path == "bin") {
    if (!shadows_a_program(name) || is_recorded_program(dir_fd, name)) return std::nullopt;
    return Judgement{Verdict::hold, "it shadows a program on PATH"};
  }
  if (imported_.empty() || !imported_.contains(module_of(dir_path, name))) return std::nullopt;
  // Python writes it anew, and no RECORD knows the digest.
  if (base::file_name(dir_path) == "__pycache__") return Judgement{Verdict::drop, ""};
  if (type == 'f' && is_recorded(layer_root_, host_root_, dir_fd, dir_path, name)) {
    return std::nullopt;
  }
  return Judgement{Verdict::hold,
                   "a .pth file imports it at each start of Python, and no installed "
                   "distribution's RECORD lists it"};
}

}  // namespace sandbox_run::workspace
