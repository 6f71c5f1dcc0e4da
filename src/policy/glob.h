#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sandbox_run::policy {

/// Path globs: '*' and '?' do not match '/', a component '**' matches any number of components
/// (also none), so "a/**" matches a itself and all below. [abc] [a-z] [!a] are sets, '\' quotes.
/// Bytes, not characters. Empty components ("a//b", "a/") count for nothing. Time is bounded by the
/// product of the lengths: no exponential patterns.
bool glob_matches(std::string_view pattern, std::string_view path);

/// True if `pattern` matches `directory` and therefore all that can lie beneath it: it ends in
/// "**".
bool glob_covers(std::string_view pattern, std::string_view directory);

/// True if `pattern` might match something strictly beneath `directory`. May err towards true.
bool glob_reaches_into(std::string_view pattern, std::string_view directory);

/// A glob that matches `path` alone.
std::string quoted_glob(std::string_view path);

/// As glob_matches on a name: '/' is a byte like any other, letters are compared without case.
bool name_matches(std::string_view pattern, std::string_view name);
bool name_matches_any(const std::vector<std::string>& patterns, std::string_view name);

}  // namespace sandbox_run::policy
