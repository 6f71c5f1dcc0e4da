#pragma once

#include <optional>
#include <string>
#include <vector>

// Where the repository of a project lies, if that is outside the project.

namespace sandbox_run::plan {

/// The git directory that a file `.git` on the way from `directory` up to `project` names, and the
/// common directory that it belongs to. Only if it names the work tree in turn, as git writes it:
/// a project that comes with such a file can lead nowhere else.
std::vector<std::string> find_git_directories(const std::string& project,
                                              const std::string& directory);

/// The files `.git` of work trees that are linked to the repository at `git`, outside `project`: if
/// they can't be seen, `git worktree prune`, which `git gc` runs, forgets them. Only where each
/// names the other.
std::vector<std::string> find_work_trees(const std::string& git, const std::string& project);

/// What GIT_DIR (git(1)) of the caller's environment names: set by himself, or by the git whose
/// hook this runs in. nullopt: no git directory.
std::optional<std::string> named_git_directory(const std::string& git_dir,
                                               const std::string& working_directory);

/// By what git itself asks of one.
bool is_git_directory(const std::string& path);

/// What `objects/info/alternates` of the project's repository names, which a stranger's can, too.
std::vector<std::string> find_alternates(const std::string& project);

}  // namespace sandbox_run::plan
