#pragma once

#include <span>
#include <string_view>

namespace sandbox_run::policy {

/// Is `line` the pattern, where '^' stands for a word, or none, in which nothing is that a shell
/// would look at twice? `hole`, if given: the word of the pattern's last '^'. Pure.
bool line_matches(std::string_view pattern, std::string_view line,
                  std::string_view* hole = nullptr);

/// Is it one of them?
bool any_line_matches(std::span<const std::string_view> patterns, std::string_view line);

}  // namespace sandbox_run::policy
