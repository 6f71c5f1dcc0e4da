#include "cli/git_hooks.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "policy/git_config.h"
#include "policy/git_places.h"
#include "policy/glob.h"
#include "policy/settle.h"

namespace sandbox_run::cli {
namespace {

constexpr std::size_t kMaxConfig = 1U << 20U;
constexpr int kMaxIncludes = 10;  // one including the next, as git

/// All configurations that git reads in a project, and what they include.
class Places {
 public:
  explicit Places(const plan::HostFacts& facts) : facts_(facts) {}

  std::vector<policy::GitPlace> find() {
    const std::string git = base::join_path(facts_.project, ".git");
    read(base::join_path(git, "config"), 0);
    read(base::join_path(git, "config.worktree"), 0);
    // The repository of a linked work tree.
    for (const auto* list : {&facts_.linked.shown, &facts_.linked.repositories}) {
      for (const std::string& path : *list) read(base::join_path(path, "config"), 0);
    }
    read("/etc/gitconfig", 0);
    read(base::join_path(facts_.config_home, "git/config"), 0);
    read(base::join_path(facts_.home, ".gitconfig"), 0);
    for (const auto& [name, value] : facts_.environment) {
      if (name == "GIT_CONFIG_GLOBAL" && value.starts_with('/')) read(value, 0);
    }
    return std::move(places_);
  }

 private:
  // NOLINTNEXTLINE(misc-no-recursion): bounded by kMaxIncludes
  void read(const std::string& path, int depth) {
    std::optional<std::string> text;
    try {
      text = base::read_file_if_readable(path, kMaxConfig);
    } catch (const base::SysError&) {
      return;  // a directory, say: git reads no configuration there either
    }
    const auto config = text ? policy::parse_git_config(*text) : std::nullopt;
    if (!config) return;
    const auto is_file = [&](const std::string& relative) {
      const auto status = base::stat_no_follow(base::join_path(facts_.project, relative));
      return status && !S_ISDIR(status->st_mode);
    };
    add(policy::places_named_by_git(*config, facts_.project, is_file));
    for (const std::string& included : policy::included_files(*config)) {
      const std::string whole = included.starts_with("~/")
                                    ? base::join_path(facts_.home, included.substr(2))
                                    : base::absolute_path(included, base::parent_path(path));
      add({{policy::path_in_project(whole, facts_.project), policy::GitPlace::Kind::file}});
      if (depth < kMaxIncludes) read(whole, depth + 1);
    }
  }

  void add(std::vector<policy::GitPlace> places) {
    for (policy::GitPlace& place : places) {
      if (!place.path.empty()) places_.push_back(std::move(place));
    }
  }

  const plan::HostFacts& facts_;
  std::vector<policy::GitPlace> places_;
};

}  // namespace

void protect_places_of_git(const plan::HostFacts& facts, policy::FilesystemPolicy& files) {
  std::vector<std::string> globs;
  for (const policy::GitPlace& place : Places(facts).find()) {
    const bool is_directory = place.kind == policy::GitPlace::Kind::directory;
    globs.push_back(policy::quoted_glob(place.path) + (is_directory ? "/**" : ""));
  }
  for (policy::TargetRules& target : files.targets) {
    if (target.kind != policy::TargetKind::project) continue;
    for (policy::VerdictRule& rule : target.rules) {
      // The shared rule, wherever the profile put it in: what a user wrote comes before.
      const bool is_shared =
          rule.verdict == policy::Verdict::protect &&
          std::any_of(rule.paths.begin(), rule.paths.end(), [](const std::string& glob) {
            return glob == ".git/**" || glob == "**/.git/**";
          });
      if (is_shared) rule.paths.insert(rule.paths.end(), globs.begin(), globs.end());
    }
  }
}

std::string git_hooks_hint(const std::vector<workspace::HeldChange>& held) {
  std::vector<std::string> words = {"sandbox-run", "commit"};
  for (const workspace::HeldChange& change : held) {
    if (change.reason.starts_with(policy::kGitHooksReason)) words.push_back(change.change.path);
  }
  constexpr std::size_t kMaxPaths = 4;
  if (words.size() == 2) return "";
  if (words.size() > 2 + kMaxPaths) {
    // All hooks of a directory: it stands for them.
    for (std::size_t i = 2; i < words.size(); ++i) words[i] = base::parent_path(words[i]);
    words.erase(std::unique(words.begin() + 2, words.end()), words.end());
  }
  return "git hooks wait for you (git_hooks = \"commit\" in config.toml takes them always); "
         "once: " +
         base::shell_words(words);
}

}  // namespace sandbox_run::cli
