#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sandbox_run::policy {

/// Which paths a .gitignore at the project's root ignores (gitignore(5)). Pure.
class GitIgnore {
 public:
  /// Adds a file's lines; later ones are stronger.
  void add(std::string_view text);
  /// A file at `path`, relative to the root: it or a directory above it is ignored.
  bool covers(std::string_view path) const;

 private:
  struct Pattern {
    std::string glob;
    bool negated = false;
    bool directories_only = false;
  };
  bool ignores(std::string_view path, bool is_directory) const;

  std::vector<Pattern> patterns_;
};

}  // namespace sandbox_run::policy
