#include "policy/line_pattern.h"

#include <algorithm>

namespace sandbox_run::policy {
namespace {

bool is_plain(char letter) {
  constexpr std::string_view kOthers = "._-/@+:";
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || kOthers.find(letter) != std::string_view::npos;
}

}  // namespace

bool line_matches(std::string_view pattern, std::string_view line, std::string_view* hole) {
  const std::size_t at = pattern.find('^');
  if (at == std::string_view::npos) return pattern == line;
  if (line.substr(0, at) != pattern.substr(0, at)) return false;
  line.remove_prefix(at);
  const std::string_view rest = pattern.substr(at + 1);
  const bool is_last = rest.find('^') == std::string_view::npos;
  for (std::size_t length = 0; length <= line.size(); ++length) {
    if (line_matches(rest, line.substr(length), hole)) {
      if (is_last && hole != nullptr) *hole = line.substr(0, length);
      return true;
    }
    if (length < line.size() && !is_plain(line[length])) return false;
  }
  return false;
}

bool any_line_matches(std::span<const std::string_view> patterns, std::string_view line) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](std::string_view pattern) { return line_matches(pattern, line); });
}

}  // namespace sandbox_run::policy
