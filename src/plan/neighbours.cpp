// Must:     look at every name, and hide what was not looked at.
// Must not: follow a link: what it leads to is shown only if it lies there, too.

#include "plan/neighbours.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <deque>

#include "base/format.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "plan/configuration_files.h"
#include "plan/private_places.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;

constexpr std::size_t kMaxNeighbourEntries = 200'000;  // of all of them
constexpr std::size_t kMaxNeighbourPlaces = 1000;      // each is a mount

bool is_open_to_others(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) != 0 || others_may_read(status);
}

class Walk {
 public:
  explicit Walk(const HostFacts& facts) : facts_(facts) {}

  void look_through(const std::string& neighbour) {
    modes_tell_ = is_open_to_others(neighbour) &&
                  is_open_to_others(join_path(neighbour, "package.json")) &&
                  is_open_to_others(join_path(neighbour, "pyproject.toml"));
    pending_.push_back(neighbour);
    while (!pending_.empty()) {
      const std::string directory = std::move(pending_.front());
      pending_.pop_front();
      const bool is_too_much =
          entries_ > kMaxNeighbourEntries || places_.size() > kMaxNeighbourPlaces;
      if (is_too_much && directory != neighbour && !leads_on(directory)) {
        places_.push_back({directory, true, true});
        unseen_.push_back(directory);
      } else {
        look_in(directory);
      }
    }
  }

  const std::vector<std::string>& directories() const { return directories_; }
  std::vector<PrivatePlace> take_places() { return std::move(places_); }
  std::vector<std::string> take_unseen() { return std::move(unseen_); }

 private:
  void look_in(const std::string& directory) {
    const base::UniqueFd fd(
        ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return;  // closed to the caller, too
    directories_.push_back(directory);
    for (const base::DirectoryEntry& entry : base::list_directory(fd.get())) {
      ++entries_;
      struct stat status {};
      if (::fstatat(fd.get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode)) {
        look_at(join_path(directory, entry.name), entry.name, status);
      }
    }
  }

  void look_at(std::string path, const std::string& name, const struct stat& status) {
    const bool is_directory = S_ISDIR(status.st_mode);
    if (is_directory ? is_own(path) : is_typed(path)) return;
    if (modes_tell_ && !others_may_read(status) && !leads_on(path)) {
      places_.push_back({std::move(path), is_directory, true});
    } else if (is_directory && name != "node_modules" && name != ".git") {
      pending_.push_back(std::move(path));
    }
  }

  /// `cat ../lib/.env`.
  bool is_typed(const std::string& file) const {
    const auto& shown = facts_.linked.shown;
    return std::find(shown.begin(), shown.end(), file) != shown.end();
  }

  /// The project itself may lie in a neighbour ("file:..").
  bool is_own(const std::string& path) const {
    const auto& more = facts_.more_projects;
    return path == facts_.project || std::find(more.begin(), more.end(), path) != more.end();
  }
  bool leads_on(const std::string& path) const {
    return is_beneath(facts_.project, path) ||
           std::any_of(facts_.more_projects.begin(), facts_.more_projects.end(),
                       [&](const std::string& project) { return is_beneath(project, path); });
  }

  const HostFacts& facts_;
  bool modes_tell_ = true;
  std::size_t entries_ = 0;
  std::deque<std::string> pending_;  // the nearest first
  std::vector<std::string> directories_;
  std::vector<PrivatePlace> places_;
  std::vector<std::string> unseen_;
};

}  // namespace

NeighbourSecrets find_neighbour_secrets(const policy::Policy& policy, const HostFacts& facts) {
  if (facts.linked.neighbours.empty()) return {};
  Walk walk(facts);
  for (const std::string& neighbour : facts.linked.neighbours) {
    if (base::is_directory(neighbour)) walk.look_through(neighbour);
  }
  NeighbourSecrets found;
  found.configuration = find_configuration_of_neighbours(policy, facts, walk.directories());
  found.places = walk.take_places();
  found.unseen = walk.take_unseen();
  return found;
}

std::string note_of_neighbours(const HostFacts& facts, policy::PackageManager manager,
                               bool has_failed) {
  const bool is_copied = manager == policy::PackageManager::pnpm ||
                         manager == policy::PackageManager::yarn ||
                         manager == policy::PackageManager::bun;
  if (!has_failed && !is_copied) return "";
  std::vector<std::string> hidden;
  const auto add = [&](const std::string& path) {
    const auto holds = [&](const std::string& place) { return is_beneath(path, place); };
    const auto& neighbours = facts.linked.neighbours;
    if (std::any_of(neighbours.begin(), neighbours.end(), holds)) hidden.push_back(path);
  };
  for (const PrivatePlace& place : facts.private_places) add(place.real);
  for (const ConfigurationFile& file : facts.configuration) {
    if (file.rules.format == policy::HomeFile::Format::hidden) add(file.real);
  }
  if (hidden.empty()) return "";
  const std::size_t more = hidden.size() - 1;
  return base::format(
      "{}{} not shown: a project beside this one keeps to itself what may be secret; to show it: "
      "--ro {}",
      base::printable(hidden.front()), more == 0 ? " is" : base::format(" and {} more are", more),
      base::printable(base::shell_words({hidden.front()})));
}

}  // namespace sandbox_run::plan
