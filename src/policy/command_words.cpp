#include "policy/command_words.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/path.h"
#include "base/text.h"
#include "policy/glob.h"

namespace sandbox_run::policy {
namespace {

/// Options of package managers that stand before a sub-command, or `foreach`, with a value of their
/// own.
bool takes_value(const std::string& option) {
  static constexpr std::array<std::string_view, 22> kOptions = {
      "-w",        "--workspace",  "--prefix", "-C",        "--dir",       "--cwd",
      "-F",        "--filter",     "-p",       "--package", "--registry",  "--loglevel",
      "--cache",   "--userconfig", "--tag",    "--omit",    "--cache-dir", "--include",
      "--exclude", "--from",       "-j",       "--jobs"};
  return std::find(kOptions.begin(), kOptions.end(), option) != kOptions.end();
}

bool is_yarn(const std::vector<std::string>& words) {
  return !words.empty() && words[0].starts_with("yarn");
}

/// `yarn workspace a add x` asks for `yarn add x`, and `yarn workspaces foreach run build` (of
/// version 1: `yarn workspaces run build`) for that script; what else is said to all members stays.
void drop_member(std::vector<std::string>& words) {
  if (!is_yarn(words) || words.size() < 3) return;
  const auto runs = [&](std::size_t at) {
    return at + 1 < words.size() && (words[at] == "run" || words[at] == "exec");
  };
  std::ptrdiff_t before = 0;
  if (words[1] == "workspace" && words.size() > 3) before = 2;
  if (words[1] == "workspaces" && words[2] == "foreach" && runs(3)) before = 2;
  if (words[1] == "workspaces" && runs(2)) before = 1;
  words.erase(words.begin() + 1, words.begin() + 1 + before);
}

/// npm's --package in short; yarn's --parallel.
bool is_yarns_switch(const std::string& option, const std::vector<std::string>& words) {
  return option == "-p" && is_yarn(words);
}

/// `every`: each option before the sub-command is taken to have a value.
std::vector<std::string> words_of(const std::vector<std::string>& arguments, bool every) {
  std::vector<std::string> words;
  if (arguments.empty()) return words;
  std::string program = base::file_name(arguments.front());
  // npm's package of bun calls it so on every system.
  if (program.ends_with(".exe")) program.erase(program.rfind('.'));
  words.push_back(std::move(program));
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const bool may_have_value =
        every && words.size() == 1 && argument.find('=') == std::string::npos;
    if (argument.empty() || argument[0] != '-') {
      words.push_back(argument);
    } else if ((takes_value(argument) && !is_yarns_switch(argument, words)) || may_have_value) {
      ++i;
    }
  }
  drop_member(words);
  return words;
}

bool fits(const std::string& pattern, const std::vector<std::string>& words) {
  const std::vector<std::string> globs = base::split(pattern, ' ');
  if (globs.size() > words.size()) return false;
  for (std::size_t i = 0; i < globs.size(); ++i) {
    if (!name_matches(globs[i], words[i])) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> command_words(const std::vector<std::string>& arguments) {
  return words_of(arguments, false);
}

bool holds_for(const CommandRule& rule, const std::vector<std::string>& arguments) {
  const auto any = [&](const std::vector<std::string>& patterns, bool every) {
    const std::vector<std::string> words = words_of(arguments, every);
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return fits(pattern, words); });
  };
  // `pnpm --reporter append-only install` is an install, though `append-only` may be a script.
  return any(rule.commands, false) && !any(rule.unless, false) && !any(rule.unless, true);
}

bool holds_for_manager(const CommandRule& manages, const std::vector<std::string>& arguments) {
  constexpr std::array<std::string_view, 3> kTexts = {"-e", "--eval", "--print"};
  for (std::size_t i = 1; i < arguments.size() && arguments[i].starts_with('-'); ++i) {
    const std::string_view option(arguments[i]);
    const auto name = option.substr(0, option.find('='));
    if (std::find(kTexts.begin(), kTexts.end(), name) != kTexts.end()) return false;
    if (takes_value(arguments[i])) ++i;
  }
  return holds_for(manages, arguments);
}

bool manages_packages(const Policy& policy, const std::vector<std::string>& arguments) {
  return policy.package_manager != PackageManager::none &&
         (!policy.manages || holds_for_manager(*policy.manages, arguments));
}

}  // namespace sandbox_run::policy
