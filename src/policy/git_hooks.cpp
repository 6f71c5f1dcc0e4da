#include "policy/git_hooks.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/json.h"
#include "base/text.h"
#include "policy/git_hook_lines.h"

namespace sandbox_run::policy {
namespace {

/// Of the word that '^' stands for: nothing that a shell would look at twice.
bool is_plain(char letter) {
  constexpr std::string_view kOthers = "._-/@+:";
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || kOthers.find(letter) != std::string_view::npos;
}

bool line_matches(std::string_view pattern, std::string_view line) {
  const std::size_t hole = pattern.find('^');
  if (hole == std::string_view::npos) return pattern == line;
  if (line.substr(0, hole) != pattern.substr(0, hole)) return false;
  line.remove_prefix(hole);
  const std::string_view rest = pattern.substr(hole + 1);
  for (std::size_t length = 0; length <= line.size(); ++length) {
    if (line_matches(rest, line.substr(length))) return true;
    if (length < line.size() && !is_plain(line[length])) return false;
  }
  return false;
}

bool knows(std::span<const std::string_view> patterns, std::string_view line) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](std::string_view pattern) { return line_matches(pattern, line); });
}

}  // namespace

std::string hook_tool(std::string_view text, const std::vector<std::string>& own_commands) {
  constexpr std::size_t kMaxLines = 500;
  std::vector<std::string_view> lines;
  for (const std::string_view rest = text; !text.empty();) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = base::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos) {
      return "";
    }
    // The interpreter's line is one of those that have to be known.
    const bool first = line.data() == rest.data();
    if (line.empty() || (line.front() == '#' && !(first && line.starts_with("#!")))) continue;
    lines.push_back(line);
    if (lines.size() > kMaxLines) return "";
  }
  if (lines.empty()) return "";
  for (const HookTool& tool : hook_tools()) {
    const bool all = std::all_of(lines.begin(), lines.end(), [&](std::string_view line) {
      const bool own =
          tool.writes_own_commands &&
          std::find(own_commands.begin(), own_commands.end(), line) != own_commands.end();
      return own || knows(kHookInterpreters, line) || knows(tool.lines, line);
    });
    if (all) return std::string(tool.name);
  }
  return "";
}

std::vector<std::string> hook_commands(std::string_view manifest) {
  std::vector<std::string> commands;
  const auto parsed = base::parse_json(manifest);
  if (!parsed || !parsed->is_object()) return commands;
  const auto* member = base::find_member(parsed->get_object(), "simple-git-hooks");
  if (member == nullptr || !member->is_object()) return commands;
  for (const auto& [key, value] : member->get_object()) {
    if (!value.is_string()) continue;
    const std::string_view command(value.get_string().data(), value.get_string().size());
    for (const std::string& line : base::split(command, '\n')) {
      commands.emplace_back(base::trim(line));
    }
  }
  return commands;
}

bool is_hook_name(std::string_view name) {
  static constexpr std::array<std::string_view, 29> kNames = {"applypatch-msg",
                                                              "pre-applypatch",
                                                              "post-applypatch",
                                                              "pre-commit",
                                                              "pre-merge-commit",
                                                              "prepare-commit-msg",
                                                              "commit-msg",
                                                              "post-commit",
                                                              "pre-rebase",
                                                              "post-checkout",
                                                              "post-merge",
                                                              "pre-push",
                                                              "pre-receive",
                                                              "update",
                                                              "proc-receive",
                                                              "post-receive",
                                                              "post-update",
                                                              "push-to-checkout",
                                                              "pre-auto-gc",
                                                              "post-rewrite",
                                                              "sendemail-validate",
                                                              "fsmonitor-watchman",
                                                              "post-index-change",
                                                              "reference-transaction",
                                                              "h",
                                                              "husky.sh",
                                                              "husky.local.sh",
                                                              ".gitignore",
                                                              "lefthook.checksum"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace sandbox_run::policy
