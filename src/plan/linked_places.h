#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plan/work_places.h"
#include "policy/policy.h"

// What a project leads to outside itself: dependencies that are directories or archives, and what
// the command line names. Of git: git_places.h.

namespace sandbox_run::plan {

/// A repository on this machine that a command may need, and that is not shown unasked: named if
/// the command fails.
struct WantedPlace {
  std::string path;
  bool written = false;
};

struct LinkedPlaces {
  std::vector<std::string> shown;                          // read-only; real paths
  std::vector<std::string> written;                        // the package manager writes there, too
  std::vector<std::pair<std::string, std::string>> links;  // named through a link: name, real path
  /// Directories among them, which a manifest or the command line leads to. They are no part of the
  /// project's own repository, which is all project: they may be another project (neighbours.h).
  std::vector<std::string> neighbours;
  /// Git directories of linked work trees, which a command that the user typed changes (git
  /// commit).
  std::vector<std::string> repositories;
  std::vector<policy::LinkedProgram> programs;
  /// Named in the manifest, and not to be shown unasked (a link into ~/.ssh, say).
  std::vector<std::string> refused;
  std::vector<WantedPlace> wanted;
};

/// `file:../lib`, `link:`, `portal:`, `../x.tgz` of the project's manifests (its workspace's
/// members included) and of the command line; for pip the paths of the command line and of
/// requirement files. Only what is a package itself (has a manifest, is an archive), and lies in no
/// hidden directory of the home: a stranger's project can name anything. Where the command is no
/// package manager, what npm would find, read-only. May widen `places`, where
/// a dependency's directory that the user typed holds the project.
LinkedPlaces find_dependencies(policy::PackageManager manager,
                               const std::vector<std::string>& arguments,
                               const std::string& working_directory, const std::string& home,
                               WorkPlaces& places,
                               const std::optional<policy::HardLinks>& hard_links = {});

/// A package that the command links into the project by its name.
struct NamedPackage {
  std::string name;
  std::string path;  // a link, or a directory
};

/// To `linked`, as a dependency of the manifest is: where a link leads, if the package there says
/// that it has this name.
void add_named_packages(policy::PackageManager manager, const std::vector<NamedPackage>& packages,
                        const std::string& home, WorkPlaces& places, LinkedPlaces& linked);
/// Read-only, for what was linked by an earlier command.
void show_named_packages(const std::vector<NamedPackage>& packages, const std::string& home,
                         LinkedPlaces& linked);

/// Of the command line: files and directories that are there, outside `places`, and that nothing
/// else shows. Who types a path wants it read. Not: his home or what holds it, hidden directories
/// of it (these go to `hidden`), places of the system's own (/proc, /run …), sockets and devices.
std::vector<std::string> find_typed_paths(const std::vector<std::string>& arguments,
                                          const std::string& working_directory,
                                          const std::string& home, const WorkPlaces& places,
                                          std::vector<std::string>& hidden);

/// Does it lie in a hidden directory of the home (~/.aws), or is one?
bool is_hidden_at_home(const std::string& real, const std::string& home);

}  // namespace sandbox_run::plan
