#include "workspace/content.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "policy/editable.h"
#include "policy/git_config.h"
#include "policy/git_hooks.h"
#include "policy/git_ignore.h"
#include "policy/git_index.h"
#include "policy/glob.h"
#include "policy/manifest.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

using policy::Content;

constexpr off_t kMaxText = off_t{4} << 20U;
constexpr off_t kMaxIndex = off_t{64} << 20U;
constexpr std::uint32_t kExecutable = 0111;

std::optional<std::string> read_open(const base::UniqueFd& file, off_t most) {
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return std::nullopt;
  if (!S_ISREG(status.st_mode) || status.st_size > most) return std::nullopt;
  return base::read_all(file.get(), static_cast<std::size_t>(most), "reading what was changed");
}

std::optional<std::string> read_in(int dir_fd, const char* name, off_t most = kMaxText) {
  if (dir_fd < 0) return std::nullopt;
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  return read_open(base::UniqueFd(::openat(dir_fd, name, kFlags)), most);
}

/// Of the host: as it was before the command.
std::optional<std::string> read_on_host(int host_root, const std::string& path) {
  if (host_root < 0) return std::nullopt;
  return read_open(
      base::UniqueFd(base::try_open_beneath(host_root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY)),
      kMaxText);
}

std::optional<std::string> read_on_host(const ContentPlace& place, const std::string& path) {
  return read_on_host(place.host_root, path);
}

bool is_at(const ContentPlace& place, const char* glob) {
  return policy::glob_matches(glob, place.path);
}

/// npm and yarn classic make a workspace member's `bin` executable where it lies.
bool is_named_program(const ContentPlace& place) {
  std::string directory = place.path;
  do {
    const std::size_t slash = directory.rfind('/');
    directory.erase(slash == std::string::npos ? 0 : slash);
    const auto manifest = read_on_host(place, child_path(directory, "package.json"));
    const std::string inner =
        directory.empty() ? place.path : place.path.substr(directory.size() + 1);
    if (manifest && policy::names_program(*manifest, inner)) return true;
  } while (!directory.empty());
  return false;
}

/// Only x bits came on, where others may read already.
bool only_made_executable(const ContentPlace& place) {
  const std::uint32_t before = place.host_mode & 07777U;
  if (!S_ISREG(place.host_mode) || (before & ~place.mode) != 0) return false;
  const std::uint32_t added = place.mode & ~before;
  if (added == 0 || (added & ~kExecutable) != 0) return false;
  const auto old_text = read_in(place.host_dir, place.name);
  return old_text && old_text == read_in(place.layer_dir, place.name);
}

bool has_hook_directory(const ContentPlace& place, const std::string& config) {
  const auto parsed = policy::parse_git_config(config);
  if (!parsed) return false;
  const std::string directory = policy::hook_directory(*parsed, place.target);
  if (policy::may_hold_hooks(directory)) return true;
  if (place.host_root < 0) return false;
  return static_cast<bool>(base::UniqueFd(
      base::try_open_beneath(place.host_root, directory, O_PATH | O_DIRECTORY | O_NOFOLLOW)));
}

policy::Finding look_at_git_config(const ContentPlace& place, const std::string& after) {
  const auto before = read_in(place.host_dir, place.name);
  const policy::GitConfigChange change =
      policy::compare_git_config(before.value_or(""), after, place.target);
  const std::string keys = base::printable(base::join(change.keys, ", "));
  switch (change.kind) {
    case policy::GitConfigChange::Kind::settings:
      return {Content::git_settings, keys};
    case policy::GitConfigChange::Kind::hooks:
      // A directory of a known tool, or one that was there: not one that fills up meanwhile.
      if (!has_hook_directory(place, after)) return {Content::git_starters, keys};
      return {Content::git_hooks, keys};
    case policy::GitConfigChange::Kind::starters:
      return {Content::git_starters, keys};
  }
  return {};
}

bool is_hook_place(const ContentPlace& place) {
  const bool in_hooks = is_at(place, "**/.git/hooks/*") || is_at(place, ".husky/_/*") ||
                        is_at(place, "**/.husky/_/*") || is_at(place, ".husky/*") ||
                        is_at(place, "**/.git/info/lefthook.checksum");
  return in_hooks && policy::is_hook_name(place.name);
}

policy::Finding look_at_hook(const ContentPlace& place, const std::string& text) {
  const std::string name = place.name;
  // Written into .husky/_, so that git does not see it.
  if (name == ".gitignore")
    return {base::trim(text) == "*" ? Content::git_hooks : Content::other, "husky"};
  if (name == "lefthook.checksum") {  // beside the hooks, and nothing runs it
    const bool is_one = text.find_first_not_of("0123456789abcdef \n") == std::string::npos;
    return {is_one ? Content::git_hooks : Content::other, "lefthook"};
  }
  const auto manifest = read_on_host(place, "package.json");
  std::vector<std::string> own;
  if (manifest) own = policy::hook_commands(*manifest);
  const std::string tool = policy::hook_tool(text, own);
  if (tool.empty()) return {};
  return {Content::git_hooks, tool};
}

bool is_named_extension(const ContentPlace& place) {
  for (const char* path : {"setup.py", "pyproject.toml", "setup.cfg"}) {
    const auto text = read_on_host(place, path);
    if (text && policy::names_extension(*text, place.path)) return true;
  }
  return false;
}

/// `dist/index.js`, where package.json says "main": "dist/index.js", and all else in `dist` if
/// there was none.
bool is_offered(int host_root, const std::string& path) {
  const auto manifest = read_on_host(host_root, "package.json");
  if (!manifest) return false;
  const std::string top = path.substr(0, path.find('/'));
  const bool is_new = !base::UniqueFd(base::try_open_beneath(host_root, top, O_PATH | O_NOFOLLOW));
  const std::vector<std::string> offered = policy::offered_paths(*manifest);
  return std::any_of(offered.begin(), offered.end(), [&](const std::string& name) {
    return name == path || (is_new && top != path && name.substr(0, name.find('/')) == top);
  });
}

std::int64_t birth_time(const ContentPlace& place) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  struct statx status {};
  const int failed =
      ::statx(place.layer_dir, place.name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &status);
  if (failed != 0 || (status.stx_mask & STATX_BTIME) == 0) return INT64_MAX;
  return status.stx_btime.tv_sec * kSecond + status.stx_btime.tv_nsec;
}

/// `cp .env.example .env`, of what the host has.
bool is_copied_example(const ContentPlace& place, const std::string& text) {
  if (!std::string_view(place.name).starts_with(".env") || place.host_mode != 0) return false;
  constexpr std::array kSuffixes{".example", ".sample", ".template", ".dist"};
  return std::any_of(kSuffixes.begin(), kSuffixes.end(), [&](const char* suffix) {
    return read_in(place.host_dir, (std::string(place.name) + suffix).c_str()) == text;
  });
}

policy::Finding look_at_known(const ContentPlace& place) {
  const std::string name = place.name;
  if (only_made_executable(place) && is_named_program(place)) return {Content::made_executable};
  if (is_at(place, "**/.git/index") || is_at(place, "**/.git/modules/**/index") ||
      is_at(place, "**/.git/worktrees/*/index")) {
    const auto before = read_in(place.host_dir, place.name, kMaxIndex);
    const auto after = read_in(place.layer_dir, place.name, kMaxIndex);
    const bool same = before && after && policy::same_index_entries(*before, *after);
    return {same ? Content::same_entries : Content::other};
  }
  const auto after = read_in(place.layer_dir, place.name);
  if (!after) return {};
  if (name.ends_with(".json")) {  // a formatter has been at it
    const auto before = read_in(place.host_dir, place.name);
    if (before && policy::same_manifest(*before, *after)) return {Content::same_value};
    const bool may_be = place.own_packages != nullptr && *place.own_packages &&
                        (is_at(place, "**/package.json") || is_at(place, "**/package-lock.json") ||
                         is_at(place, "**/npm-shrinkwrap.json"));
    if (before && may_be &&
        policy::only_own_versions_changed(*before, *after, (*place.own_packages)())) {
      return {Content::own_versions};
    }
  }
  if (name.ends_with(".so") && is_named_extension(place)) return {Content::named_extension};
  if (is_at(place, "**/.git/config")) return look_at_git_config(place, *after);
  if (is_hook_place(place)) return look_at_hook(place, *after);
  if (is_copied_example(place, *after)) return {Content::copied_example};
  if (is_at(place, ".vscode/settings.json") && is_ignored_by_git(place.host_root, place.path)) {
    return {Content::ignored_setting};
  }
  return {};
}

}  // namespace

policy::Finding look_at_content(const ContentPlace& place) {
  policy::Finding finding = look_at_known(place);
  if (finding.content != Content::other) return finding;
  const auto is_ignored = [root = place.host_root, path = place.path] {
    return is_ignored_by_git(root, path);
  };
  if (place.host_mode == 0) {
    finding.content = Content::new_file;
    finding.is_output = [is_ignored, root = place.host_root, path = place.path] {
      return is_ignored() || is_offered(root, path);
    };
  } else if (is_ignored()) {
    finding.content = Content::ignored_output;
  }
  if (finding.content != Content::other) finding.made_at = birth_time(place);
  return finding;
}

bool is_ignored_by_git(int host_root, const std::string& path) {
  policy::GitIgnore rules;
  for (const char* file : {".git/info/exclude", ".gitignore"}) {
    if (const auto text = read_on_host(host_root, file)) rules.add(*text);
  }
  return rules.covers(path);
}

}  // namespace sandbox_run::workspace
