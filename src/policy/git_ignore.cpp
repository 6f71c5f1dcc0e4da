#include "policy/git_ignore.h"

#include <algorithm>

#include "base/text.h"
#include "policy/glob.h"

namespace sandbox_run::policy {

void GitIgnore::add(std::string_view text) {
  for (const std::string& raw : base::split(text, '\n')) {
    std::string line(base::trim(raw));
    if (line.empty() || line.front() == '#') continue;
    Pattern pattern;
    if (line.front() == '!') {
      pattern.negated = true;
      line.erase(0, 1);
    }
    if (!line.empty() && line.back() == '/') {
      pattern.directories_only = true;
      line.pop_back();
    }
    if (line.empty()) continue;
    // A slash at the beginning or in the middle ties the pattern to the root.
    const bool tied = line.find('/') != std::string::npos;
    if (line.front() == '/') line.erase(0, 1);
    pattern.glob = tied ? line : "**/" + line;
    patterns_.push_back(std::move(pattern));
  }
}

bool GitIgnore::ignores(std::string_view path, bool is_directory) const {
  const auto last = std::find_if(patterns_.rbegin(), patterns_.rend(), [&](const Pattern& pattern) {
    return (is_directory || !pattern.directories_only) && glob_matches(pattern.glob, path);
  });
  return last != patterns_.rend() && !last->negated;
}

bool GitIgnore::covers(std::string_view path) const {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (ignores(path.substr(0, slash), true)) return true;
  }
  return ignores(path, false);
}

}  // namespace sandbox_run::policy
