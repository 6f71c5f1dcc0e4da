// One fstatat(2) a file, by two threads if there are many: 36,000 files in some 50 ms. Attributes
// are listed only where one can matter: directories, programs (file capabilities), and files that
// an overlay may have copied up.

#include "workspace/inspection.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include "base/path.h"
#include "base/sys_error.h"
#include "workspace/overlay_marks.h"
#include "workspace/tree_walk.h"

namespace sandbox_run::workspace {
namespace {

constexpr std::size_t kCacheLine = 64;

std::string_view last_component(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view without_last(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

/// What one thread finds; `is_objectionable` is common to both. In cache lines of its own: it
/// counts each entry.
class alignas(kCacheLine) Inspector {
 public:
  Inspector(const Objects& objects, std::atomic<bool>& is_objectionable)
      : objects_(objects), is_objectionable_(is_objectionable) {}

  Next look(int dir_fd, const std::string& dir_path, const char* name, unsigned char type) {
    if (is_objectionable_) return Next::skip;
    if (type == DT_DIR) {
      ++result_.entries;
      if (is_package_directory(dir_path, name)) ++result_.packages;
      return Next::descend;
    }
    if (objects_ && objects_(dir_fd, name, dir_path, type)) {
      is_objectionable_ = true;
    } else if (type == DT_REG) {
      look_at_file(dir_fd, dir_path, name);
    } else if (type == DT_LNK) {
      ++result_.entries;
    } else {
      find(Finding::Kind::special, child_path(dir_path, name), type);
    }
    return Next::skip;
  }

  /// A single file lies where the host has files, too, so it may have been copied up.
  void assume_copies() { is_impure_ = true; }
  Inspection& result() { return result_; }

  TreeVisitor visitor() {
    return {[this](int fd, const std::string& path) { look_at_directory(fd, path); },
            [this](int fd, const std::string& dir_path, const char* name, unsigned char type) {
              return look(fd, dir_path, name, type);
            }};
  }

 private:
  void look_at_directory(int fd, const std::string& path) {
    struct stat status {};
    base::check_sys(::fstat(fd, &status), "looking at a directory");
    if ((status.st_mode & unwanted_mode_bits()) != 0) {
      find(Finding::Kind::directory_mode, path, DT_DIR);
    }
    const Attributes attributes = look_at_attributes(fd);
    is_impure_ = attributes.impure;
    if (attributes.foreign || attributes.marks) {
      find(Finding::Kind::directory_attributes, path, DT_DIR);
    }
  }

  void find(Finding::Kind kind, std::string path, unsigned char type) {
    result_.findings.push_back({kind, std::move(path), type});
  }

  void look_at_file(int dir_fd, const std::string& dir_path, const char* name) {
    struct stat status {};
    if (!stat_entry(dir_fd, name, status)) return;
    ++result_.entries;
    if ((status.st_mode & unwanted_mode_bits()) != 0) {
      find(Finding::Kind::file_mode, child_path(dir_path, name), DT_REG);
    }
    if (is_impure_ || (status.st_mode & 0111U) != 0) {
      const Attributes attributes = look_at_file_attributes(dir_fd, name);
      if (attributes.foreign || attributes.marks) {
        find(Finding::Kind::file_attributes, child_path(dir_path, name), DT_REG);
      }
    }
    if (status.st_nlink > 1) {
      result_.links.push_back({status.st_ino, status.st_nlink, child_path(dir_path, name)});
    }
  }

  const Objects& objects_;
  std::atomic<bool>& is_objectionable_;
  Inspection result_;
  bool is_impure_ = false;  // the directory being walked holds entries that were copied up
};

template <typename Item>
void add_by_path(std::vector<Item>& all, std::vector<Item>&& others) {
  std::move(others.begin(), others.end(), std::back_inserter(all));
  // Stable: of one entry the mode is found before the attributes.
  std::stable_sort(all.begin(), all.end(),
                   [](const Item& a, const Item& b) { return a.path < b.path; });
}

void add(Inspection& all, Inspection&& others) {
  all.entries += others.entries;
  all.packages += others.packages;
  add_by_path(all.findings, std::move(others.findings));
  add_by_path(all.links, std::move(others.links));
}

}  // namespace

mode_t unwanted_mode_bits() {
  static const mode_t bits = [] {
    constexpr mode_t kMeanwhile = 077;
    const mode_t mask = ::umask(kMeanwhile);  // it can't be read otherwise
    ::umask(mask);
    return S_ISUID | S_ISGID | (mask & S_IWOTH);
  }();
  return bits;
}

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

std::string root_of(std::string_view path) {
  constexpr std::string_view kPackages = "node_modules";
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == kPackages) return std::string(path.substr(0, end));
    begin = end + 1;
  }
  return std::string(path.substr(0, path.find('/')));
}

std::string told_root(const Target& target, std::string_view path) {
  if (target.telling == Target::Telling::whole) return target.path;
  if (target.telling == Target::Telling::relative) return root_of(path);
  return base::join_path(target.path, root_of(path));
}

Inspection inspect(const std::string& path, PassableScope& passable, const Objects& objects) {
  std::atomic<bool> is_objectionable = false;
  Inspector inspector(objects, is_objectionable);
  Inspection& result = inspector.result();
  const std::string parent(without_last(path));
  const std::string name(last_component(path));
  {
    const base::UniqueFd directory = passable.open_with_parents(parent);
    struct stat status {};
    if (!stat_entry(directory.get(), name.c_str(), status)) {
      result.is_gone = true;
      return result;
    }
    inspector.assume_copies();
    const auto type = static_cast<unsigned char>(IFTODT(status.st_mode));
    const Next next = inspector.look(directory.get(), parent, name.c_str(), type);
    result.packages = 0;
    result.is_objectionable = is_objectionable;
    if (next != Next::descend) return result;
  }
  Inspector helper(objects, is_objectionable);
  try {
    walk_tree_with_helper(path, passable, inspector.visitor(), helper.visitor());
  } catch (const TooDeep& error) {
    result.refusal = error.what();
  }
  add(result, std::move(helper.result()));
  result.is_objectionable = is_objectionable;
  return result;
}

}  // namespace sandbox_run::workspace
