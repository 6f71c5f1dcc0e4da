#pragma once

#include <set>
#include <string>
#include <vector>

#include "policy/policy.h"

// Where a command works: its own directory is not always the one that it writes.

namespace sandbox_run::plan {

/// Looked at on the host: where there are manifests, workspaces, git work trees.
struct WorkPlaces {
  /// Where the package manager is at home: of a workspace's member the workspace's root, of
  /// `npm --prefix DIR` that. Its own configuration lies there, and it can be asked there.
  std::string manager;
  std::string project;                     // all of which may be changed; holds `manager`
  std::vector<std::string> more;           // further projects: the working directory's own
  std::string refusal;                     // not "": why `project` must not be a target, in words
  bool working_directory_is_lost = false;  // it can't be shown: an empty one stands for it
};

/// `home`: real. The command has been found to be `manager`'s, or another's (none).
WorkPlaces find_work_places(policy::PackageManager manager,
                            const std::vector<std::string>& arguments,
                            const std::string& working_directory, const std::string& home);

/// The directory that --prefix, -C, --dir or --cwd name, absolute; else `working_directory`. Pure.
std::string command_directory(policy::PackageManager manager,
                              const std::vector<std::string>& arguments,
                              const std::string& working_directory);

/// npm and pnpm: -g, --global, --location=global. Pure.
bool is_global(const std::vector<std::string>& arguments);

/// The enclosing workspace root of `directory`: the nearest-to-root directory with .git,
/// pnpm-workspace.yaml, or a package.json that has "workspaces", strictly below `home` if
/// `directory` is in it; else `directory`.
std::string find_project(const std::string& directory, const std::string& home);

/// The names of the package in `root` and of its workspace's members.
std::set<std::string> own_packages(const std::string& root);

/// Directories of the workspace's members, as package.json or pnpm-workspace.yaml in `root` name
/// them; bounded.
std::vector<std::string> workspace_members(const std::string& root);

}  // namespace sandbox_run::plan
