// Must: take a program for a package's only by that package's manifest as it will be: the layer's,
//       else the host's.

#include "workspace/global_programs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "policy/manifest.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

using policy::Judgement;
using policy::Verdict;

constexpr std::size_t kMaxManifest = std::size_t{4} << 20U;

std::optional<std::string> read_beneath(const std::string& root, const std::string& path) {
  const base::UniqueFd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return std::nullopt;
  const base::UniqueFd file(
      base::try_open_beneath(top.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (status.st_size > static_cast<off_t>(kMaxManifest)) return std::nullopt;
  return base::read_all(file.get(), kMaxManifest, "reading a package's manifest");
}

/// `npm link`, `npm install -g .`: the package is a link to a project that is a target, too.
std::string linked_directory(const GlobalPlaces& places, const KnownPlaces& known,
                             const std::string& package) {
  const std::string path = base::join_path(places.packages_upper, package);
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return "";
  const std::string at = base::parent_path(base::join_path(places.install.packages, package));
  const std::string to = base::absolute_path(base::read_link(AT_FDCWD, path), at);
  const bool is_known =
      std::any_of(known.projects.begin(), known.projects.end(),
                  [&](const std::string& project) { return base::is_beneath(to, project); });
  return is_known ? to : "";
}

std::optional<std::string> manifest_of(const GlobalPlaces& places, const KnownPlaces& known,
                                       const std::string& package) {
  const std::string inner = base::join_path(package, "package.json");
  if (const std::string linked = linked_directory(places, known, package); !linked.empty()) {
    return read_beneath(linked, "package.json");
  }
  if (auto text = read_beneath(places.packages_upper, inner)) return text;
  return read_beneath(places.install.packages, inner);
}

/// The program that this name meant until now; "" if none, or the same package's.
std::string shadowed(const GlobalPlaces& places, const std::string& name,
                     const std::string& package) {
  // Who installs npm or yarn wants that one.
  if (package.substr(package.rfind('/') + 1) == name) return "";
  for (const std::string& directory : places.searched) {
    std::string path = base::join_path(directory, name);
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if ((status.st_mode & 0111U) == 0) continue;
    const std::string real = base::real_path(path).value_or(path);
    if (real.find("/node_modules/" + package + "/") != std::string::npos) continue;
    return path;
  }
  return "";
}

}  // namespace

std::optional<Judgement> program_objection(const GlobalPlaces& places, const KnownPlaces& known,
                                           const std::string& name, char type,
                                           const std::string& link) {
  const std::string package =
      type == 'l' ? policy::package_of_program(places.install, link) : std::string();
  if (package.empty() || !policy::is_named(places.install, package)) {
    return Judgement{Verdict::protect, "a new program that is no link of the package's"};
  }
  const std::string directory = base::join_path(places.install.packages, package);
  const std::string path = base::absolute_path(link, places.install.programs);
  const auto manifest = manifest_of(places, known, package);
  if (!manifest || path == directory ||
      !policy::names_program_as(*manifest, base::relative_to(path, directory), name)) {
    return Judgement{Verdict::protect, "a new program that the package's manifest does not name"};
  }
  const std::string hidden = shadowed(places, name, package);
  if (hidden.empty()) return std::nullopt;
  return Judgement{Verdict::protect, "it would be run in the place of " + base::printable(hidden)};
}

}  // namespace sandbox_run::workspace
