#include "policy/git_hooks.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/text.h"
#include "policy/git_hook_lines.h"
#include "policy/line_pattern.h"

namespace sandbox_run::policy {

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
      return own || any_line_matches(kHookInterpreters, line) || any_line_matches(tool.lines, line);
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
