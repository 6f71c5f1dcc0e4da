#include "plan/git_places.h"

#include <fcntl.h>

#include "base/path.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "plan/small_files.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;
using base::parent_path;

constexpr std::size_t kMaxWorkTrees = 64;

std::string first_line_after(const std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return "";
  return std::string(base::trim(text.substr(prefix.size(), text.find('\n') - prefix.size())));
}

/// What a git directory says of its work tree: a worktree's file `gitdir`, a submodule's or a
/// separate one's core.worktree.
bool names_work_tree(const std::string& git, const std::string& file) {
  const std::string back(base::trim(read_text(join_path(git, "gitdir")).value_or("")));
  if (!back.empty()) return base::real_path(base::absolute_path(back, git)) == file;
  for (const std::string& line :
       base::split(read_text(join_path(git, "config")).value_or(""), '\n')) {
    const std::string_view word = base::trim(line);
    constexpr std::string_view kKey = "worktree";
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || base::trim(word.substr(0, equals)) != kKey) continue;
    const std::string tree = base::absolute_path(base::trim(word.substr(equals + 1)), git);
    return base::real_path(tree) == parent_path(file);
  }
  return false;
}

/// Where the objects are, of a linked work tree's git directory too.
std::optional<std::string> common_directory(const std::string& git) {
  const std::string common(base::trim(read_text(join_path(git, "commondir")).value_or("")));
  const auto shared =
      common.empty() ? std::optional(git) : base::real_path(base::absolute_path(common, git));
  // git makes it …/worktrees/NAME of the common one; any other place is somebody's own making.
  return shared && is_git_directory(*shared) && is_beneath(git, *shared) ? shared : std::nullopt;
}

}  // namespace

bool is_git_directory(const std::string& path) {
  return is_file(join_path(path, "HEAD")) &&
         (is_file(join_path(path, "commondir")) || base::is_directory(join_path(path, "objects")));
}

std::vector<std::string> find_alternates(const std::string& project) {
  std::vector<std::string> found;
  const std::string objects = join_path(project, ".git/objects");
  const auto text = read_text(join_path(objects, "info/alternates"));
  for (const std::string& line : base::split(text.value_or(""), '\n')) {
    if (line.empty() || line.starts_with('#')) continue;
    const std::string path = base::absolute_path(line, objects);
    // What else the file names gets no note that says how to show it: the project may be a
    // stranger's.
    const bool is_store = base::is_directory(join_path(path, "pack"));
    if (is_store && !is_beneath(path, project)) found.push_back(path);
  }
  return found;
}

std::vector<std::string> find_git_directories(const std::string& project,
                                              const std::string& directory) {
  std::vector<std::string> found;
  for (std::string here = directory; is_beneath(here, project); here = parent_path(here)) {
    const std::string file = join_path(here, ".git");
    const std::string named =
        is_file(file) ? first_line_after(read_text(file).value_or(""), "gitdir:") : "";
    const auto git =
        named.empty() ? std::nullopt : base::real_path(base::absolute_path(named, here));
    if (git && is_git_directory(*git) && base::real_path(file) &&
        names_work_tree(*git, *base::real_path(file))) {
      const auto shared = common_directory(*git);
      if (shared && !is_beneath(*shared, project)) found.push_back(*shared);
    }
    if (here == "/" || here.empty()) break;
  }
  return found;
}

std::vector<std::string> find_work_trees(const std::string& git, const std::string& project) {
  std::vector<std::string> found;
  const std::string all = join_path(git, "worktrees");
  const base::UniqueFd directory(
      ::open(all.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return found;
  for (const base::DirectoryEntry& entry : base::list_directory(directory.get())) {
    const std::string own = join_path(all, entry.name);
    const std::string named(base::trim(read_text(join_path(own, "gitdir")).value_or("")));
    const auto file = base::real_path(named);
    if (!named.starts_with('/') || !file || base::file_name(*file) != ".git" || !is_file(*file)) {
      continue;
    }
    const std::string back = first_line_after(read_text(*file).value_or(""), "gitdir:");
    const bool is_linked = back.starts_with('/') && base::real_path(back) == base::real_path(own);
    if (is_linked && !is_beneath(*file, project)) found.push_back(*file);
    if (found.size() == kMaxWorkTrees) break;
  }
  return found;
}

std::optional<std::string> named_git_directory(const std::string& git_dir,
                                               const std::string& working_directory) {
  if (git_dir.empty()) return std::nullopt;
  const auto git = base::real_path(base::absolute_path(git_dir, working_directory));
  return git && is_git_directory(*git) ? common_directory(*git) : std::nullopt;
}

}  // namespace sandbox_run::plan
