#include "policy/command_words.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/path.h"
#include "base/text.h"
#include "policy/glob.h"

namespace sandbox_run::policy {
namespace {

/// Options of npm, pnpm and yarn that stand before a sub-command with a value of their own.
bool takes_value(const std::string& option) {
  static constexpr std::array<std::string_view, 16> kOptions = {
      "-w",      "--workspace",  "--prefix", "-C",        "--dir",      "--cwd",
      "-F",      "--filter",     "-p",       "--package", "--registry", "--loglevel",
      "--cache", "--userconfig", "--tag",    "--omit"};
  return std::find(kOptions.begin(), kOptions.end(), option) != kOptions.end();
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
  std::vector<std::string> words;
  if (arguments.empty()) return words;
  words.push_back(base::file_name(arguments.front()));
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument.empty() || argument[0] != '-') {
      words.push_back(argument);
    } else if (takes_value(argument)) {
      ++i;
    }
  }
  return words;
}

bool holds_for(const CommandRule& rule, const std::vector<std::string>& arguments) {
  const std::vector<std::string> words = command_words(arguments);
  const auto any = [&](const std::vector<std::string>& patterns) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return fits(pattern, words); });
  };
  return any(rule.commands) && !any(rule.unless);
}

}  // namespace sandbox_run::policy
