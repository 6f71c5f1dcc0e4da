#include "plan/git_remotes.h"

#include <algorithm>
#include <optional>

#include "base/path.h"
#include "base/text.h"
#include "plan/git_places.h"
#include "plan/small_files.h"
#include "policy/command_words.h"
#include "policy/git_config.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;
using policy::GitConfig;

constexpr std::size_t kMaxRemotes = 32;

GitConfig read_config(const std::string& path) {
  return policy::parse_git_config(read_text(path).value_or("")).value_or(GitConfig{});
}

/// The path of a url; "" if it is of another machine.
std::string local_path(std::string_view url) {
  constexpr std::string_view kFile = "file://";
  if (url.starts_with(kFile)) return std::string(url.substr(kFile.size()));
  const std::size_t colon = url.find(':');
  return colon != std::string_view::npos && colon < url.find('/') ? "" : std::string(url);
}

/// As git looks for it (enter_repo in its path.c).
std::optional<std::string> repository_at(const std::string& path) {
  for (const char* suffix : {"/.git", "", ".git/.git", ".git"}) {
    const auto real = base::real_path(path + suffix);
    if (real && is_git_directory(*real)) return real;
  }
  return std::nullopt;
}

/// `git -c protocol.file.allow=always fetch`: the value is no sub-command.
std::vector<std::string> without_settings(std::vector<std::string> words) {
  for (std::size_t i = 1; i + 1 < words.size() && words[i].starts_with('-');) {
    if (words[i] != "-c") {
      ++i;
      continue;
    }
    const auto at = words.begin() + static_cast<std::ptrdiff_t>(i);
    words.erase(at, at + 2);
  }
  return words;
}

class RemoteFinder {
 public:
  RemoteFinder(const std::string& project, const std::string& home)
      : project_(project), home_(home) {}

  LocalRemotes take() { return std::move(found_); }

  void read_remotes(const GitConfig& config, const std::string& tree, bool writes) {
    for (const auto& [key, urls] : config) {
      if (!key.starts_with("remote.") || !key.ends_with("url")) continue;
      for (const std::string& url : urls) add(url, tree, writes);
    }
  }

  /// A relative url is relative to the remote's, or without one to the work tree.
  void read_submodules(const GitConfig& config, const GitConfig& modules, const std::string& tree) {
    const auto origin = config.find("remote.origin.url");
    const std::string above = origin == config.end() ? tree : local_path(origin->second.front());
    for (const GitConfig* one : {&config, &modules}) {
      for (const auto& [key, urls] : *one) {
        if (!key.starts_with("submodule.") || !key.ends_with(".url")) continue;
        for (const std::string& url : urls) {
          const bool is_relative = url.starts_with("./") || url.starts_with("../");
          if (is_relative && above.empty()) continue;
          const std::string from = is_relative ? base::absolute_path(above, tree) : tree;
          const std::string path = local_path(url);
          if (!path.empty()) want(base::absolute_path(path, from), false);
        }
      }
    }
  }

 private:
  void add(const std::string& url, const std::string& tree, bool writes) {
    const std::string path = local_path(url);
    if (path.empty()) return;
    const std::string whole = base::absolute_path(path, tree);
    const auto git = repository_at(whole);
    if (!git || is_beneath(*git, project_) || found_.shown.size() >= kMaxRemotes) return;
    if (writes || is_hidden(*git)) return want(whole, writes);
    found_.shown.push_back(*git);
    const auto real = base::real_path(whole);
    if (real && *real != whole) found_.links.emplace_back(whole, *real);
  }

  void want(const std::string& path, bool writes) {
    const auto git = repository_at(path);
    if (!git || is_beneath(*git, project_) || found_.wanted.size() >= kMaxRemotes) return;
    found_.wanted.push_back({base::real_path(path).value_or(*git), writes});
  }

  /// The repository of all that is in the home (~/.git) is the home's.
  bool is_hidden(const std::string& git) const {
    const std::string tree =
        base::file_name(git) == ".git" ? base::parent_path(git) : std::string(git);
    return is_hidden_at_home(tree, home_) || is_beneath(home_, tree);
  }

  const std::string& project_;
  const std::string& home_;
  LocalRemotes found_;
};

}  // namespace

LocalRemotes find_local_remotes(const std::vector<std::string>& arguments,
                                const std::string& project, const std::string& directory,
                                const std::string& home,
                                const std::vector<std::string>& repositories) {
  const std::vector<std::string> words = without_settings(arguments);
  const auto is_one_of = [&](std::vector<std::string> commands) {
    return policy::holds_for({std::move(commands), {}}, words);
  };
  const bool pushes = is_one_of({"git push"});
  const bool of_submodules = is_one_of({"git submodule"});
  if (!pushes && !of_submodules &&
      !is_one_of({"git fetch", "git pull", "git ls-remote", "git remote"})) {
    return {};
  }
  RemoteFinder finder(project, home);
  for (std::string here = directory; is_beneath(here, project); here = base::parent_path(here)) {
    const std::string git = join_path(here, ".git");
    std::vector<std::string> places;
    if (base::is_directory(git)) places.push_back(git);
    if (is_file(git)) places = repositories;
    for (const std::string& place : places) {
      const GitConfig config = read_config(join_path(place, "config"));
      if (of_submodules) {
        finder.read_submodules(config, read_config(join_path(here, ".gitmodules")), here);
      } else {
        finder.read_remotes(config, here, pushes);
      }
    }
    if (!places.empty() || here == project || here == "/") break;
  }
  return finder.take();
}

}  // namespace sandbox_run::plan
