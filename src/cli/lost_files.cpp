#include "cli/lost_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>

#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "policy/glob.h"

// Must: follow no link, and end, whatever a package put there. Must not: throw for what can't be
// read (a directory of mode 000): it is lost all the same.

namespace sandbox_run::cli {
namespace {

constexpr std::size_t kMaxLostEntries = 200'000;
constexpr std::size_t kMaxDepth = 64;
constexpr off_t kMaxNote = 4096;

/// How many components name a place: ".cache/Cypress", ".local/share/x", ".bashrc".
std::size_t depth_of_place(std::string_view first) {
  if (first == ".local") return 3;
  return first == ".cache" || first == ".config" ? 2 : 1;
}

std::string place_of(const std::string& relative) {
  const std::vector<std::string> parts = base::split(relative, '/');
  const std::size_t depth = std::min(depth_of_place(parts.front()), parts.size());
  return base::join({parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(depth)}, "/");
}

std::map<std::string, std::string_view> files_of_plan(const plan::Plan& plan) {
  std::map<std::string, std::string_view> files;
  for (const plan::MountStep& step : plan.mounts) {
    if (const auto* text = std::get_if<plan::TextFile>(&step)) files[text->target] = text->content;
    if (const auto* decoy = std::get_if<plan::DecoyFile>(&step)) {
      files[decoy->target] = decoy->content;
    }
  }
  return files;
}

class Search {
 public:
  Search(const std::string& home, const plan::Plan& plan,
         const std::vector<std::string>& disposable)
      : home_(home), known_(files_of_plan(plan)), disposable_(disposable) {
    for (const plan::Layer& layer : plan.layers) {
      if (layer.kind == plan::LayerKind::project) projects_.push_back(layer.target);
    }
  }

  void look_into(int fd, const std::string& relative, std::size_t depth) {
    if (depth > kMaxDepth) return;
    DIR* opened = ::fdopendir(fd);
    if (opened == nullptr) {
      ::close(fd);
      return;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opened, ::closedir);
    while (const dirent* entry = ::readdir(directory.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++entries_ > kMaxLostEntries) return;
      look_at(::dirfd(directory.get()), entry->d_name, base::join_path(relative, entry->d_name),
              depth);
    }
  }

  std::vector<LostFiles> found() && {
    std::vector<LostFiles> list;
    for (auto& [place, lost] : places_) list.push_back(std::move(lost));
    std::stable_sort(list.begin(), list.end(),
                     [](const LostFiles& a, const LostFiles& b) { return a.bytes > b.bytes; });
    return list;
  }

 private:
  void look_at(int directory, const char* name, const std::string& relative, std::size_t depth) {
    struct stat status {};
    if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    const bool matches =
        std::any_of(disposable_.begin(), disposable_.end(),
                    [&](const std::string& glob) { return policy::glob_matches(glob, relative); });
    if (matches) return;
    if (S_ISDIR(status.st_mode)) {
      const int fd = ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (fd >= 0) look_into(fd, relative, depth + 1);
      return;
    }
    const bool is_file = S_ISREG(status.st_mode) && status.st_size != 0;
    if (!is_file && !(S_ISLNK(status.st_mode) && leads_to_project(directory, name, relative))) {
      return;
    }
    if (is_as_made(directory, name, relative, status)) return;
    if (is_telemetry_note(directory, name, relative, status)) return;
    LostFiles& lost = places_[place_of(relative)];
    lost.path = base::join_path(home_, place_of(relative));
    ++lost.files;
    lost.bytes += static_cast<std::uint64_t>(status.st_size);
    constexpr std::int64_t kSecond = 1'000'000'000;
    lost.changed_at = std::max<std::int64_t>(
        lost.changed_at, status.st_ctim.tv_sec * kSecond + status.st_ctim.tv_nsec);
  }

  /// All that `yarn link` leaves is a link.
  bool leads_to_project(int directory, const char* name, const std::string& relative) const {
    const std::string from = base::parent_path(base::join_path(home_, relative));
    const std::string to = base::absolute_path(base::read_link(directory, name), from);
    return std::any_of(projects_.begin(), projects_.end(),
                       [&](const std::string& project) { return base::is_beneath(to, project); });
  }

  bool is_as_made(int directory, const char* name, const std::string& relative,
                  const struct stat& status) const {
    const auto known = known_.find(base::join_path(home_, relative));
    if (known == known_.end() || static_cast<std::size_t>(status.st_size) != known->second.size()) {
      return false;
    }
    const base::UniqueFd file(
        ::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    std::string text(known->second.size(), '\0');
    const ssize_t got = file ? ::pread(file.get(), text.data(), text.size(), 0) : -1;
    return got >= 0 && static_cast<std::size_t>(got) == text.size() && text == known->second;
  }

  /// What many tools note of their telemetry at each first start, and read nothing else from. By
  /// what it says, for each has a name of its own; what it says next to that would be missed.
  static bool is_telemetry_note(int directory, const char* name, const std::string& relative,
                                const struct stat& status) {
    if (!policy::glob_matches(".config/*/*", relative) || status.st_size > kMaxNote) return false;
    const base::UniqueFd file(
        ::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    if (!file || ::pread(file.get(), text.data(), text.size(), 0) != status.st_size) return false;
    const auto note = base::parse_json(text);
    if (!note || !note->is_object() || note->get_object().empty()) return false;
    const auto& members = note->get_object();
    return std::all_of(members.begin(), members.end(), [](const auto& member) {
      const std::string_view key(member.key());
      return key.starts_with("telemetry") || key == "anonymousId" || key == "analytics";
    });
  }

  const std::string& home_;
  std::map<std::string, std::string_view> known_;
  const std::vector<std::string>& disposable_;
  std::vector<std::string> projects_;
  std::size_t entries_ = 0;
  std::map<std::string, LostFiles> places_;
};

}  // namespace

std::vector<LostFiles> find_lost_files(int home_fd, const std::string& home, const plan::Plan& plan,
                                       const std::vector<std::string>& disposable) {
  Search search(home, plan, disposable);
  const int fd = ::openat(home_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw base::SysError("looking at what was left in the false home");
  search.look_into(fd, "", 0);
  return std::move(search).found();
}

}  // namespace sandbox_run::cli
