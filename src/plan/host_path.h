#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sandbox_run::plan {

/// A directory or file of the host that the plan may show.
struct HostPath {
  std::string path;        // as the policy names it, absolute
  std::string link;        // if it is a symbolic link: its text; else ""
  std::string real;        // realpath; "" if dangling
  bool directory = false;  // of `real`
  bool public_read =
      true;  // anybody may read it: what only the caller can read stays hidden in /etc
};

/// Looks at the host's paths, each with one call as a rule: what the directory above is called, and
/// what there is in a directory that was listed, is remembered. For the time of gathering facts.
class HostLook {
 public:
  /// nullopt: there is nothing of that name. A dangling link is there.
  std::optional<HostPath> at(const std::string& path);
  std::vector<HostPath> at_all(const std::vector<std::string>& paths);
  /// Of names in `directory`: one look at what it holds, instead of one for each that it does not.
  void list(const std::string& directory);

 private:
  bool is_known_missing(const std::string& path) const;
  /// realpath(3) of a directory; "" if there is none.
  const std::string& real_directory(const std::string& directory);

  std::map<std::string, std::string> real_;
  std::map<std::string, std::set<std::string>> listed_;
};

}  // namespace sandbox_run::plan
