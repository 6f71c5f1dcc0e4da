// One fstatat(2) a file: 36,000 files in some 50 ms. Attributes are listed only where one can
// matter: directories, programs (file capabilities), and files that an overlay may have copied up.

#include "workspace/cleaner.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <map>
#include <string_view>

#include "base/sys_error.h"
#include "workspace/copy_tree.h"
#include "workspace/overlay_marks.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;

constexpr std::size_t kMaxNoted = 100;
constexpr const char* kForeignRefusal = "has security attributes that can't be removed";

std::string_view last_component(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view without_last(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

const char* special_name(unsigned char type) {
  switch (type) {
    case DT_FIFO:
      return "FIFO";
    case DT_SOCK:
      return "socket";
    default:
      return "device node";
  }
}

/// One that no package foresees.
std::string unused_name(int dir_fd) {
  while (true) {
    std::uint64_t number = 0;
    check_sys(::getrandom(&number, sizeof number, 0), "making up a name");
    const std::string name = ".sandbox-run-" + std::to_string(number);
    struct stat status {};
    if (!stat_entry(dir_fd, name.c_str(), status)) return name;
  }
}

}  // namespace

struct Cleaner::Place {
  int dir_fd;
  const std::string& dir_path;
  bool impure;
};

bool is_package_directory(std::string_view dir_path, std::string_view name) {
  constexpr std::string_view kDistInfo = ".dist-info";
  if (name.size() > kDistInfo.size() && name.substr(name.size() - kDistInfo.size()) == kDistInfo) {
    return true;
  }
  const std::string_view parent = last_component(dir_path);
  if (parent == "node_modules") return name.front() != '.' && name.front() != '@';
  return !parent.empty() && parent.front() == '@' &&
         last_component(without_last(dir_path)) == "node_modules";
}

std::string package_of(std::string_view path) {
  while (!path.empty()) {
    const std::string_view parent = without_last(path);
    if (is_package_directory(parent, last_component(path))) return std::string(path);
    path = parent;
  }
  return "";
}

void Cleaner::note(const std::string& path, const char* what) {
  ++stripped_count_;
  if (stripped_.size() < kMaxNoted) stripped_.push_back({path, what});
}

bool Cleaner::clean_file(const Place& place, const char* name, Cleaned& cleaned) {
  struct stat status {};
  if (!stat_entry(place.dir_fd, name, status)) return false;
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) {
    set_entry_mode(place.dir_fd, name, status.st_mode & 01777U);
    note(child_path(place.dir_path, name),
         (status.st_mode & S_ISUID) != 0 ? "setuid bit" : "setgid bit");
  }
  if (place.impure || (status.st_mode & 0111U) != 0) {
    const CleanedAttributes attributes = clean_file_attributes(place.dir_fd, name);
    if (attributes.foreign != 0) note(child_path(place.dir_path, name), "security attribute");
    if (attributes.refused) cleaned.refusal = kForeignRefusal;
  }
  if (status.st_nlink > 1) {
    links_.push_back({status.st_ino, status.st_nlink, child_path(place.dir_path, name)});
  }
  ++cleaned.entries;
  return true;
}

void Cleaner::clean_directory(int fd, const std::string& path, OverlayMarks marks,
                              Cleaned& cleaned) {
  struct stat status {};
  check_sys(::fstat(fd, &status), "looking at a directory");
  const mode_t unwanted = setgid_ == Setgid::keep ? S_ISUID : S_ISUID | S_ISGID;
  if ((status.st_mode & unwanted) != 0) {
    check_sys(::fchmod(fd, status.st_mode & 07777U & ~unwanted), "changing the mode of " + path);
    note(path, "setgid or setuid bit of a directory");
  }
  const CleanedAttributes attributes = clean_attributes(fd, marks);
  is_impure_ = attributes.impure;
  if (attributes.foreign != 0) note(path, "security attribute");
  if (attributes.refused) cleaned.refusal = kForeignRefusal;
}

Next Cleaner::clean_entry(const Place& place, const char* name, unsigned char type,
                          Cleaned& cleaned) {
  switch (type) {
    case DT_REG:
      clean_file(place, name, cleaned);
      return Next::skip;
    case DT_LNK:
      ++cleaned.entries;
      return Next::skip;
    case DT_DIR:
      ++cleaned.entries;
      if (is_package_directory(place.dir_path, name)) ++cleaned.packages;
      return Next::descend;
    default: {
      struct stat status {};
      if (!stat_entry(place.dir_fd, name, status)) return Next::skip;
      check_sys(::unlinkat(place.dir_fd, name, 0), std::string("removing ") + name);
      // A whiteout in a new directory hides nothing: gone without a word.
      if (!is_whiteout(status)) note(child_path(place.dir_path, name), special_name(type));
      return Next::skip;
    }
  }
}

Cleaned Cleaner::clean(const std::string& path, Setgid setgid) {
  setgid_ = setgid;
  Cleaned cleaned;
  PassableScope passable(layer_fd_);
  {
    const Located at = locate(layer_fd_, path);
    struct stat status {};
    if (!stat_entry(at.directory.get(), at.name.c_str(), status)) {
      cleaned.gone = true;
      return cleaned;
    }
    const std::string parent(without_last(path));
    // A single file lies where the host has files, too, so it may have been copied up.
    const Place place{at.directory.get(), parent, true};
    const auto type = static_cast<unsigned char>(IFTODT(status.st_mode));
    const bool is_directory = clean_entry(place, at.name.c_str(), type, cleaned) == Next::descend;
    cleaned.packages = 0;
    if (!is_directory) {
      cleaned.gone = cleaned.entries == 0;
      return cleaned;
    }
  }
  TreeVisitor visitor;
  visitor.directory = [&](int fd, const std::string& dir_path) {
    // The entry's own marks stay until it has been moved: an undone commit needs them.
    const bool is_top = dir_path.size() == path.size();
    clean_directory(fd, dir_path, is_top ? OverlayMarks::keep : OverlayMarks::remove, cleaned);
  };
  visitor.entry = [&](int fd, const std::string& dir_path, const char* name, unsigned char type) {
    return clean_entry({fd, dir_path, is_impure_}, name, type, cleaned);
  };
  try {
    walk_tree(path, passable, visitor);
  } catch (const TooDeep& error) {
    cleaned.refusal = error.what();
  }
  return cleaned;
}

void Cleaner::separate_shared_files() {
  std::map<std::uint64_t, std::uint64_t> seen;
  for (const Link& link : links_) ++seen[link.inode];
  PassableScope passable(layer_fd_);
  for (const Link& link : links_) {
    if (seen[link.inode] >= link.count) continue;
    passable.open_with_parents(std::string(without_last(link.path)));
    const Located at = locate(layer_fd_, link.path);
    const std::string copy = unused_name(at.directory.get());
    copy_entry(at.directory.get(), at.name, at.directory.get(), copy);
    check_sys(::renameat(at.directory.get(), copy.c_str(), at.directory.get(), at.name.c_str()),
              "separating " + link.path);
    note(link.path, "hard link shared with a change that is not committed");
  }
  links_.clear();
}

}  // namespace sandbox_run::workspace
