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
#include "policy/program_shim.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

using policy::Judgement;
using policy::Verdict;

constexpr std::size_t kMaxInstalledManifest = std::size_t{4} << 20U;

std::optional<std::string> read_beneath(const std::string& root, const std::string& path) {
  const base::UniqueFd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return std::nullopt;
  const base::UniqueFd file(
      base::try_open_beneath(top.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (status.st_size > static_cast<off_t>(kMaxInstalledManifest)) return std::nullopt;
  return base::read_all(file.get(), kMaxInstalledManifest, "reading a package's manifest");
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

/// The text of a link at `path`, as it will be; nullopt: it is none.
std::optional<std::string> link_at(const GlobalPlaces& places, const std::string& path) {
  for (const std::string& root : {places.packages_upper, places.install.packages}) {
    const std::string whole = base::join_path(root, path);
    struct stat status {};
    if (::lstat(whole.c_str(), &status) != 0) continue;
    if (!S_ISLNK(status.st_mode)) return std::nullopt;
    return base::read_link(AT_FDCWD, whole);
  }
  return std::nullopt;
}

/// Where `path`, among the packages, leads to when all is committed, from link to link; nullopt:
/// out of there. pnpm's and yarn's programs lead through two or three.
std::optional<std::string> resolve(const GlobalPlaces& places, const std::string& path) {
  constexpr unsigned kMaxLinks = 40;
  std::string at;
  std::string ahead = base::relative_to(path, places.install.packages);
  for (unsigned hops = 0; !ahead.empty();) {
    const std::size_t slash = ahead.find('/');
    const std::string part = ahead.substr(0, slash);
    ahead = slash == std::string::npos ? "" : ahead.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (at.empty()) return std::nullopt;
      at.erase(at.find('/') == std::string::npos ? 0 : at.rfind('/'));
      continue;
    }
    std::string next = at;
    if (!next.empty()) next += '/';
    next += part;
    const auto link = link_at(places, next);
    if (!link) {
      at = next;
    } else if (++hops > kMaxLinks || link->starts_with('/')) {
      return std::nullopt;
    } else {
      ahead.insert(0, *link + "/");
    }
  }
  return at;
}

/// What an entry among the programs starts.
struct Program {
  std::string package;
  std::string inner;                    // the file, in the package
  std::optional<std::string> manifest;  // the package's, as it will be
};

std::optional<std::string> manifest_in(const GlobalPlaces& places, const std::string& directory) {
  const std::string inner = base::join_path(directory, "package.json");
  if (auto text = read_beneath(places.packages_upper, inner)) return text;
  return read_beneath(places.install.packages, inner);
}

std::optional<Program> npm_program(const GlobalPlaces& places, const KnownPlaces& known,
                                   const std::string& link) {
  Program program;
  program.package = policy::package_of_program(places.install, link);
  const std::string directory = base::join_path(places.install.packages, program.package);
  const std::string path = base::absolute_path(link, places.install.programs);
  if (program.package.empty() || path == directory) return std::nullopt;
  program.inner = base::relative_to(path, directory);
  const std::string linked = linked_directory(places, known, program.package);
  program.manifest =
      linked.empty() ? manifest_in(places, program.package) : read_beneath(linked, "package.json");
  return program;
}

/// `bun link`: as npm_program(), where the packages are those of one project.
std::optional<Program> linked_program(const GlobalPlaces& places, const KnownPlaces& known,
                                      const std::string& path) {
  const auto package = policy::package_in(path);
  if (!package || !base::is_beneath(package->directory, places.install.packages)) {
    return std::nullopt;
  }
  const std::string linked = linked_directory(
      places, known, base::relative_to(package->directory, places.install.packages));
  if (linked.empty()) return std::nullopt;
  return Program{package->name, base::relative_to(path, package->directory),
                 read_beneath(linked, "package.json")};
}

std::optional<Program> project_program(const GlobalPlaces& places, const KnownPlaces& known,
                                       char type, const std::string& text) {
  const auto target = type == 'l' ? std::optional(text) : policy::shim_target(text);
  if (!target) return std::nullopt;
  const std::string path = base::absolute_path(*target, places.install.programs);
  if (auto program = linked_program(places, known, path)) return program;
  const auto real = base::is_beneath(path, places.install.packages) ? resolve(places, path)
                                                                    : std::optional<std::string>();
  const auto package = real ? policy::package_in("/" + *real) : std::nullopt;
  if (!package || package->directory == "/" + *real) return std::nullopt;
  return Program{package->name, base::relative_to("/" + *real, package->directory),
                 manifest_in(places, package->directory.substr(1))};
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
                                           const std::string& text) {
  const bool is_npms = places.install.layout == policy::GlobalLayout::npm;
  std::optional<Program> program;
  if (!is_npms) program = project_program(places, known, type, text);
  if (is_npms && type == 'l') program = npm_program(places, known, text);
  // A script in a form that is not known here, where nobody but the manager could write one.
  const bool is_managers = !is_npms && !program && type == 'f' && places.only_package_manager_ran;
  if (is_managers) program = Program{};
  if (!program || (!is_managers && !policy::is_named(places.install, program->package))) {
    return Judgement{Verdict::protect, "a new program that is no link of the package's"};
  }
  if (!is_managers &&
      (!program->manifest || !policy::names_program_as(*program->manifest, program->inner, name))) {
    return Judgement{Verdict::protect, "a new program that the package's manifest does not name"};
  }
  const std::string hidden = shadowed(places, name, program->package);
  if (hidden.empty()) return std::nullopt;
  return Judgement{Verdict::protect, "it would be run in the place of " + base::printable(hidden)};
}

}  // namespace sandbox_run::workspace
