#include "cli/git_hooks.h"

#include <algorithm>

#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "policy/git_config.h"
#include "policy/settle.h"

namespace sandbox_run::cli {

void protect_hook_directory(const plan::HostFacts& facts, policy::FilesystemPolicy& files) {
  const std::string path = base::join_path(facts.project, ".git/config");
  const auto text = base::read_file_if_readable(path, 1U << 20U);
  const auto config = text ? policy::parse_git_config(*text) : std::nullopt;
  const std::string directory =
      config ? policy::hook_directory(*config, facts.project) : std::string();
  if (directory.empty()) return;
  for (policy::TargetRules& target : files.targets) {
    if (target.kind != policy::TargetKind::project) continue;
    for (policy::VerdictRule& rule : target.rules) {
      // The rule of common.toml, wherever the profile put it in: what a user wrote comes before.
      const bool is_shared =
          rule.verdict == policy::Verdict::protect &&
          std::any_of(rule.paths.begin(), rule.paths.end(), [](const std::string& glob) {
            return glob == ".git/**" || glob == "**/.git/**";
          });
      if (is_shared) rule.paths.push_back(directory + "/**");
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
