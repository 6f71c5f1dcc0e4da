#include "policy/verdict.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/format.h"
#include "base/text.h"
#include "policy/command_words.h"
#include "policy/glob.h"

// Must: be pure, first match wins. Must not: look at any file.

namespace sandbox_run::policy {
namespace {

/// "-m", and Python's joined "-Im": the next word is a module's name or a message, nothing that the
/// package manager is asked for. Else every `python -m pip install x` would ask for pip.
bool takes_module(const std::string& option) {
  return option.size() >= 2 && option[0] == '-' && option[1] != '-' && option.back() == 'm';
}

bool has_any(const std::vector<std::string>& arguments, const std::vector<std::string>& wanted) {
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (takes_module(arguments[i - 1])) continue;
    if (std::find(wanted.begin(), wanted.end(), arguments[i]) != wanted.end()) return true;
  }
  return false;
}

bool holds(const VerdictRule& rule, const std::vector<std::string>& arguments) {
  if (!rule.when_argument.empty() && !has_any(arguments, rule.when_argument)) return false;
  return !has_any(arguments, rule.unless_argument);
}

template <typename Predicate>
bool any_path(const VerdictRule& rule, Predicate predicate) {
  return std::any_of(rule.paths.begin(), rule.paths.end(), predicate);
}

Judgement unmatched(const TargetRules& rules, const std::vector<std::string>& arguments) {
  const bool is_output = (rules.output && holds_for(*rules.output, arguments)) ||
                         (rules.creates && holds_for(*rules.creates, arguments));
  if (is_output) {
    if (rules.hold_reason.empty()) return {Verdict::commit, ""};
    return {Verdict::hold, rules.hold_reason};
  }
  if (rules.kind == TargetKind::cache) return {Verdict::drop, "not a part of the cache to keep"};
  Judgement held{Verdict::hold, "not an expected change"};
  held.by_default = true;
  return held;
}

/// distutils-precedence.pth of setuptools, the older and the newer one.
constexpr std::array<std::string_view, 2> kKnownPathFileLines = {
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == "
    "'local'; enabled and __import__('_distutils_hack').add_shim();",
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'stdlib') == "
    "'local'; enabled and __import__('_distutils_hack').add_shim();"};

/// Bytes that end a line for str.splitlines() but not for a text file's iterator (form feed, the
/// separators, U+0085 …), or that depend on the locale: a line might hide behind them.
bool is_ambiguous_byte(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return (value < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || value >= 0x7F;
}

}  // namespace

Judgement judge(const TargetRules& rules, std::string_view path,
                const std::vector<std::string>& arguments) {
  std::string unless_recorded;
  for (const VerdictRule& rule : rules.rules) {
    if (!holds(rule, arguments)) continue;
    if (!any_path(rule, [&](const std::string& glob) { return glob_matches(glob, path); }))
      continue;
    if (rule.verdict != Verdict::recorded) {
      return {rule.verdict, rule.reason, rule.keys, unless_recorded};
    }
    unless_recorded = rule.reason;
  }
  Judgement rest = unmatched(rules, arguments);
  rest.unless_recorded = unless_recorded;
  return rest;
}

std::optional<Judgement> judge_subtree(const TargetRules& rules, std::string_view path,
                                       const std::vector<std::string>& arguments) {
  for (const VerdictRule& rule : rules.rules) {
    if (!holds(rule, arguments)) continue;
    if (any_path(rule, [&](const std::string& glob) { return glob_covers(glob, path); })) {
      if (rule.verdict == Verdict::path_file || rule.verdict == Verdict::recorded ||
          rule.verdict == Verdict::manifest || rule.verdict == Verdict::own) {
        return std::nullopt;
      }
      return Judgement{rule.verdict, rule.reason};
    }
    if (any_path(rule, [&](const std::string& glob) { return glob_reaches_into(glob, path); })) {
      return std::nullopt;
    }
  }
  return unmatched(rules, arguments);
}

std::optional<std::vector<std::string>> path_file_paths(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_ambiguous_byte)) return std::nullopt;
  std::vector<std::string> paths;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = base::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool known = std::find(kKnownPathFileLines.begin(), kKnownPathFileLines.end(), line) !=
                       kKnownPathFileLines.end();
    if (line.empty() || line[0] == '#' || known) continue;
    // Python executes "import " and "import\t" at the start of a line only; nobody needs a path
    // that looks like it.
    if (line.starts_with("import ") || line.starts_with("import\t")) return std::nullopt;
    paths.emplace_back(line);
  }
  return paths;
}

std::set<std::string, std::less<>> path_file_imports(std::string_view text) {
  const auto is_letter = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) > 0x7F;
  };
  std::set<std::string, std::less<>> names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with("import ") && !line.starts_with("import\t")) continue;
    for (std::size_t at = 0; at < line.size();) {
      if (!is_letter(line[at])) {
        ++at;
        continue;
      }
      const std::size_t begin = at;
      while (at < line.size() && is_letter(line[at])) ++at;
      if (begin == 0 || line[begin - 1] != '.') names.emplace(line.substr(begin, at - begin));
    }
  }
  return names;
}

bool record_lists(std::string_view record, std::string_view path, std::string_view sha256) {
  // csv quotes a path that holds a comma or a quote; nothing that Python runs at its start is named
  // so, and what is not found is not listed.
  std::string digest = base::base64_encode(base::hex_decode(sha256));
  while (digest.ends_with('=')) digest.pop_back();
  std::replace(digest.begin(), digest.end(), '+', '-');
  std::replace(digest.begin(), digest.end(), '/', '_');
  const std::string wanted = base::format("{},sha256={},", path, digest);
  while (!record.empty()) {
    const std::size_t end = std::min(record.find_first_of("\r\n"), record.size());
    if (record.substr(0, end).starts_with(wanted)) return true;
    record.remove_prefix(std::min(end + 1, record.size()));
  }
  return false;
}

}  // namespace sandbox_run::policy
