// Must:     call written whatever may have been: an overlay's upper directory is a package's to
// shape,
//           but to remove an entry there is to bring back the host's.
// Must not: follow a link in there.

#include "watch/written_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "policy/lockfile_names.h"
#include "policy/manifest.h"
#include "watch/python_start.h"

namespace sandbox_run::watch {
namespace {

using base::join_path;

constexpr std::size_t kMaxEntries = 4096;
constexpr std::size_t kMaxWrittenManifest = 4U << 20;

bool is_opaque(const std::string& path) {
  std::array<char, 2> value{};
  const ssize_t size = ::lgetxattr(path.c_str(), "user.overlay.opaque", value.data(), value.size());
  return size == 1 && value[0] == 'y';
}

bool same(const Look& one, const Look& other) {
  if (one.result != other.result || one.result == Look::Result::unclear) return false;
  if (one.result == Look::Result::missing) return true;
  return one.status.st_dev == other.status.st_dev && one.status.st_ino == other.status.st_ino &&
         one.status.st_ctim.tv_sec == other.status.st_ctim.tv_sec &&
         one.status.st_ctim.tv_nsec == other.status.st_ctim.tv_nsec;
}

std::optional<std::string> read_plain_file(const std::string& directory, const std::string& name) {
  const base::UniqueFd parent(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!parent) return std::nullopt;
  const int fd = base::try_open_beneath(parent.get(), name, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  const base::UniqueFd file(fd);
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
    if (size < 0 || text.size() > kMaxWrittenManifest) return std::nullopt;
    if (size == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

WrittenFiles::WrittenFiles(std::vector<OverlayPlace> places) : places_(std::move(places)) {
  // The innermost first.
  std::sort(places_.begin(), places_.end(), [](const OverlayPlace& a, const OverlayPlace& b) {
    return a.target.size() > b.target.size();
  });
}

void WrittenFiles::remember(const ProcessRoot& root, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) remembered_.emplace_back(path, root.look_up(path));
}

bool WrittenFiles::remembered_have_changed(const ProcessRoot& root) const {
  return std::any_of(remembered_.begin(), remembered_.end(), [&](const auto& entry) {
    return !same(entry.second, root.look_up(entry.first));
  });
}

const OverlayPlace* WrittenFiles::place_of(const std::string& path) const {
  for (const OverlayPlace& place : places_) {
    if (base::is_beneath(path, place.target)) return &place;
  }
  return nullptr;
}

bool WrittenFiles::may_be_written(int thread, const std::string& path) const {
  if (const OverlayPlace* place = place_of(path)) {
    std::string here = place->upper;
    for (const std::string& name : base::split(base::relative_to(path, place->target), '/')) {
      // The host's entries are hidden here: what is seen was written, or is a new target's.
      if (is_opaque(here)) return true;
      here = join_path(here, name);
      const auto status = base::stat_no_follow(here);
      if (!status) return errno != ENOENT;
      if (!S_ISDIR(status->st_mode)) return true;
    }
    return true;
  }
  const std::string seen = "/proc/" + std::to_string(thread) + "/root" + path;
  const base::UniqueFd entry(::open(seen.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!entry) return errno != ENOENT;
  struct statvfs system {};
  return ::fstatvfs(entry.get(), &system) != 0 || (system.f_flag & ST_RDONLY) == 0;
}

bool WrittenFiles::manifest_is_kept(const std::string& directory) const {
  const OverlayPlace* place = place_of(directory);
  if (place == nullptr) return true;
  constexpr const char* kName = "package.json";
  const std::string relative = base::relative_to(directory, place->target);
  const auto after = read_plain_file(join_path(place->upper, relative), kName);
  if (!after) return !base::exists(join_path(join_path(place->upper, relative), kName));
  const auto before = read_plain_file(directory, kName);  // the supervisor sees the host's
  if (!before) return false;
  const auto changed = policy::changed_members(
      *before, *after,
      {"dependencies", "devDependencies", "optionalDependencies", "peerDependencies"});
  return changed && changed->empty();
}

bool WrittenFiles::only_packages_are_written() {
  if (!only_packages_) return false;
  std::size_t seen = 0;
  for (const OverlayPlace& place : places_) {
    if (place.is_cache) continue;
    std::vector<std::string> todo{""};
    while (!todo.empty()) {
      const std::string relative = std::move(todo.back());
      todo.pop_back();
      const base::UniqueFd directory(::open(join_path(place.upper, relative).c_str(),
                                            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!directory) return only_packages_ = false;
      for (const base::DirectoryEntry& entry : base::list_directory(directory.get())) {
        if (++seen > kMaxEntries) return only_packages_ = false;
        const std::string inner = relative.empty() ? entry.name : relative + "/" + entry.name;
        if (entry.type == DT_DIR) {
          if (entry.name != "node_modules") todo.push_back(inner);
        } else if (entry.name == "package.json") {
          if (!manifest_is_kept(join_path(place.target, relative))) return only_packages_ = false;
        } else if (!policy::is_lockfile(entry.name)) {
          return only_packages_ = false;
        }
      }
    }
  }
  return true;
}

bool WrittenFiles::environment_is_written() const {
  return std::any_of(places_.begin(), places_.end(), [](const OverlayPlace& place) {
    if (!place.is_environment) return false;
    const base::UniqueFd directory(::open(place.upper.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return !directory || !base::list_directory(directory.get()).empty();
  });
}

bool WrittenFiles::python_start_is_changed(const std::string& prefix, std::int64_t since) const {
  const OverlayPlace* place = place_of(prefix);
  return place != nullptr && watch::python_start_is_changed(
                                 place->upper, base::relative_to(prefix, place->target), since);
}

bool WrittenFiles::is_changed(const std::string& path, std::int64_t since) const {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const OverlayPlace* place = place_of(path);
  if (place == nullptr) return true;
  const base::UniqueFd upper(::open(place->upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!upper) return true;
  const base::UniqueFd entry(base::try_open_beneath(
      upper.get(), base::relative_to(path, place->target), O_PATH | O_NOFOLLOW));
  struct stat status {};
  return !entry || ::fstat(entry.get(), &status) != 0 ||
         status.st_ctim.tv_sec * kSecond + status.st_ctim.tv_nsec >= since;
}

bool WrittenFiles::modules_are_changed(int thread, const std::string& directory,
                                       std::int64_t since) const {
  const OverlayPlace* place = place_of(directory);
  if (place == nullptr) return may_be_written(thread, directory);
  return watch::modules_are_changed(place->upper, base::relative_to(directory, place->target),
                                    since);
}

bool WrittenFiles::cache_is_written(const std::string& name) const {
  return std::any_of(places_.begin(), places_.end(), [&](const OverlayPlace& place) {
    if (!place.is_cache || base::file_name(place.target) != name) return false;
    const base::UniqueFd directory(::open(place.upper.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return !directory || !base::list_directory(directory.get()).empty();
  });
}

}  // namespace sandbox_run::watch
