#include "policy/environment.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/path.h"
#include "base/text.h"
#include "policy/glob.h"
#include "policy/secret_value.h"

// What of the caller's environment the sandboxee sees. Must: let in only what a list names; keep
// values out of every report. Must not: read the process' own environment.

namespace sandbox_run::policy {

std::vector<std::string> readers_of(const EnvironmentPolicy& policy, std::string_view name) {
  std::vector<std::string> readers;
  for (const auto& [reader, globs] : policy.readers) {
    if (std::any_of(globs.begin(), globs.end(),
                    [&](const std::string& glob) { return name_matches(glob, name); })) {
      readers.push_back(reader);
    }
  }
  return readers;
}

namespace {

constexpr std::string_view kWordEnd = " \t\r\n\f\v\"'`<>";
constexpr std::string_view kAuthorityEnd = "/?#\\";

/// What its lists say of the name, and what the value looks like.
bool lets_in(const EnvironmentPolicy& policy, std::string_view name, std::string_view value) {
  if (name_matches_any(policy.withhold, name)) return false;
  if (name_matches_any(policy.allow, name)) return !has_token_form(value);
  if (is_switch(value)) return true;
  return !readers_of(policy, name).empty() && !looks_like_secret(value);
}

/// As credentials_length(), of credentials whose password has an unquoted '/' in it.
std::size_t unquoted_length(std::string_view word) {
  const std::string_view authority = word.substr(0, word.find_first_of(kAuthorityEnd));
  // "user:pa/ss@host": what looks like host:port has no number for a port, so the '@' further on
  // ends a password.
  const std::size_t colon = authority.rfind(':');
  if (authority.starts_with('[') || colon == std::string_view::npos) return 0;
  const std::string_view port = authority.substr(colon + 1);
  if (port.find_first_not_of("0123456789") == std::string_view::npos) return 0;
  const std::size_t at = word.rfind('@');
  return at == std::string_view::npos ? 0 : at + 1;
}

/// How many bytes of `word` (what follows "://") are credentials, '@' included.
std::size_t credentials_length(std::string_view word) {
  const std::string_view authority = word.substr(0, word.find_first_of(kAuthorityEnd));
  // "me@corp:pa/ss@host": what follows the '@' may be credentials still.
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    return at + 1 + unquoted_length(word.substr(at + 1));
  }
  return unquoted_length(word);
}

/// Where make hands its command line to the makes below it.
bool is_make_variable(std::string_view name) {
  return name == "MAKEFLAGS" || name == "MFLAGS" || name == "MAKEOVERRIDES";
}

/// `value` as the sandboxee may see it.
std::string shown_value(std::string_view name, const std::string& value) {
  return without_url_credentials(is_make_variable(name) ? without_make_variables(value) : value);
}

/// Is a secret among what was cut? Of variables on make's command line a name or a value may be
/// one; all else that is cut is a password.
bool was_secret(const EnvironmentPolicy& policy, std::string_view name, const std::string& value,
                const std::string& shown) {
  if (shown == value) return false;
  if (!is_make_variable(name) || without_url_credentials(value) != value) return true;
  const std::vector<std::string> words = base::split(value.substr(shown.size()), ' ');
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    const std::size_t equals = word.find('=');
    const bool by_name =
        equals != std::string::npos && name_matches_any(policy.withhold, word.substr(0, equals));
    return by_name || looks_like_secret(word);
  });
}

bool is_kernel_path(std::string_view path) {
  constexpr std::array<std::string_view, 3> kRoots = {"/dev/", "/proc/", "/sys/"};
  return std::any_of(kRoots.begin(), kRoots.end(),
                     [&](std::string_view root) { return path.starts_with(root); });
}

}  // namespace

FilteredEnvironment filter_environment(
    const EnvironmentPolicy& policy,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  FilteredEnvironment result;
  std::set<std::string> seen;
  for (const auto& [name, value] : environment) {
    if (name.empty() || !seen.insert(name).second) continue;
    if (std::find(policy.always.begin(), policy.always.end(), name) != policy.always.end()) {
      result.entries.emplace_back(name, value);  // the user asked for it by name: as it is
      continue;
    }
    if (!lets_in(policy, name, value)) {
      result.withheld.push_back(name);
      continue;
    }
    std::string shown = shown_value(name, value);
    if (was_secret(policy, name, value, shown)) result.stripped.push_back(name);
    result.entries.emplace_back(name, std::move(shown));
  }
  std::sort(result.withheld.begin(), result.withheld.end());
  std::sort(result.stripped.begin(), result.stripped.end());
  return result;
}

std::string without_make_variables(std::string_view flags) {
  constexpr std::string_view kBlanks = " \t";
  for (std::size_t start = 0; start < flags.size();) {
    start = std::min(flags.find_first_not_of(kBlanks, start), flags.size());
    const std::size_t end = std::min(flags.find_first_of(kBlanks, start), flags.size());
    const std::string_view word = flags.substr(start, end - start);
    // GNU make puts "--" before the variables, others don't.
    const bool variable = !word.starts_with('-') && word.find('=') != std::string_view::npos;
    if (word == "--" || variable) {
      flags = flags.substr(0, start);
      while (flags.ends_with(' ') || flags.ends_with('\t')) flags.remove_suffix(1);
      break;
    }
    start = end;
  }
  return std::string(flags);
}

std::string home_file_path(const HomeFile& file,
                           const std::vector<std::pair<std::string, std::string>>& environment) {
  for (const std::string& variable : file.path_variables) {
    const auto found = std::find_if(environment.begin(), environment.end(),
                                    [&](const auto& entry) { return entry.first == variable; });
    if (found == environment.end() || !found->second.starts_with('/')) continue;
    std::string path = base::absolute_path(found->second, "/");
    return is_kernel_path(path) ? "" : path;
  }
  return file.path;
}

std::string without_url_credentials(std::string_view rest) {
  constexpr std::string_view kScheme = "://";
  std::string out;
  for (std::size_t at = rest.find(kScheme); at != std::string_view::npos; at = rest.find(kScheme)) {
    out += rest.substr(0, at + kScheme.size());
    rest.remove_prefix(at + kScheme.size());
    // In "https://a/,https://u:p@b/" the second URL is looked at on its own; and the search for
    // the word's end never goes beyond it, so that the time stays linear.
    std::string_view word = rest.substr(0, rest.find(kScheme));
    word = word.substr(0, word.find_first_of(kWordEnd));
    rest.remove_prefix(credentials_length(word));
  }
  return out += rest;
}

}  // namespace sandbox_run::policy
