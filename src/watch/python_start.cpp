#include "watch/python_start.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "policy/editable.h"
#include "policy/verdict.h"

namespace sandbox_run::watch {
namespace {

using base::UniqueFd;

constexpr std::size_t kMaxStartEntries = 20'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kMaxText = 4U << 20;

/// The modules beside the standard library that Python loads as it starts, and that pip (23 to 25)
/// and what it brings along load, or try to.
const std::set<std::string> kLoadedByPip = {"pip",
                                            "sitecustomize",
                                            "usercustomize",
                                            "_distutils_hack",
                                            "apport_python_hook",
                                            "attr",
                                            "brotli",
                                            "cPickle",
                                            "dummy_threading",
                                            "IPython",
                                            "keyring",
                                            "_manylinux",
                                            "msvcrt",
                                            "nt",
                                            "ntlm",
                                            "org",
                                            "socks",
                                            "truststore",
                                            "wheel",
                                            "urllib3_secure_extra",
                                            "_winapi",
                                            "winreg"};
/// Of a project: where builds put modules, by names that neither Python nor pip look for.
const std::set<std::string> kBuilds = {"build", "dist"};
const std::set<std::string> kNoModules = {"egg-info", "dist-info"};  // by what they end in

class StartCheck {
 public:
  explicit StartCheck(std::int64_t since) : since_(since) {}

  /// `path`: the environment's, in the layer.
  bool environment(const UniqueFd& upper, const std::string& path) {
    UniqueFd at = open(upper, ".");
    for (const std::string& name : base::split(path, '/')) {
      if (!at) break;
      if (name.empty() || name == ".") continue;
      if (is_changed(at, name)) return true;
      at = open(at, name);
    }
    return prefix(at);
  }

  /// Modules of a directory that is searched before Python's own are.
  bool modules(const UniqueFd& directory) {
    for (const std::string& name : names(directory)) {
      if (kNoModules.contains(name.substr(name.rfind('.') + 1)) || kBuilds.contains(name)) continue;
      const UniqueFd inner = open(directory, name);
      const bool may_be_one = inner || is_importable(name);
      if (may_be_one && is_changed(directory, name) && (!inner || holds_module(inner))) return true;
    }
    return failed_;
  }

 private:
  bool prefix(const UniqueFd& directory) {
    for (const char* name : {"pyvenv.cfg", "pip.conf", "lib", "lib64"}) {
      if (is_changed(directory, name)) return true;
    }
    if (programs(open(directory, "bin"))) return true;
    for (const char* library : {"lib", "lib64"}) {
      const UniqueFd versions = open(directory, library);
      for (const std::string& version : names(versions)) {
        if (is_changed(versions, version)) return true;
        for (const char* packages : {"site-packages", "dist-packages"}) {
          const UniqueFd site_directory = open(versions, version + "/" + packages);
          if (site_directory && site(site_directory)) return true;
        }
      }
    }
    return failed_;
  }

  /// Of an environment. Beside a program of Python's lies where it looks for its own modules first.
  bool programs(const UniqueFd& directory) {
    for (const std::string& name : names(directory)) {
      const bool is_one = name.starts_with("python") || name.starts_with("pip") ||
                          name.starts_with("pypy") || name.ends_with(".cfg") ||
                          name.ends_with(".txt") || name.ends_with("._pth") ||
                          is_importable(name) || open(directory, name);
      if (is_one && is_changed(directory, name)) return true;
    }
    return failed_;
  }

  static bool is_importable(const std::string& name) {
    return name.ends_with(".py") || name.ends_with(".pyc") || name.ends_with(".so");
  }

  /// At any depth: a directory without __init__.py is a package, too.
  bool holds_module(const UniqueFd& directory) {
    for (const std::string& name : names(directory)) {
      if (failed_ || is_importable(name)) return true;
      const UniqueFd inner = open(directory, name);
      if (inner && holds_module(inner)) return true;
    }
    return failed_;
  }

  UniqueFd open(const UniqueFd& parent, const std::string& path) {
    if (!parent) return {};
    UniqueFd directory(
        base::try_open_beneath(parent.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    // lib64 is a link to lib.
    if (!directory && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) failed_ = true;
    return directory;
  }

  std::vector<std::string> names(const UniqueFd& directory) {
    std::vector<std::string> found;
    if (!directory) return found;
    for (const base::DirectoryEntry& entry : base::list_directory(directory.get())) {
      if (++entries_ > kMaxStartEntries) failed_ = true;
      found.push_back(entry.name);
    }
    return found;
  }

  bool is_changed(const UniqueFd& directory, const std::string& name) const {
    if (!directory) return false;
    struct stat status {};
    if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno != ENOENT;
    }
    if (status.st_ctim.tv_sec * kSecond + status.st_ctim.tv_nsec < since_) return false;
    return !S_ISDIR(status.st_mode) || !is_hosts(directory, name);
  }

  /// A directory of the host's, which got a new time as something in it was changed: overlayfs
  /// renames no such directory, and lets nobody set its marks.
  static bool is_hosts(const UniqueFd& parent, const std::string& name) {
    const UniqueFd directory(
        base::try_open_beneath(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return directory && ::fgetxattr(directory.get(), "user.overlay.origin", nullptr, 0) >= 0 &&
           ::fgetxattr(directory.get(), "user.overlay.opaque", nullptr, 0) < 0;
  }

  /// Itself or anything in it.
  bool tree(const UniqueFd& parent, const std::string& name) {
    if (is_changed(parent, name)) return true;
    const UniqueFd directory = open(parent, name);
    for (const std::string& inner : names(directory)) {
      if (failed_ || tree(directory, inner)) return true;
    }
    return false;
  }

  bool site(const UniqueFd& directory) {
    for (const std::string& name : names(directory)) {
      if (name.ends_with(".pth")) {
        if (is_changed(directory, name) && !runs_nothing(directory, name)) return true;
        continue;
      }
      if (kLoadedByPip.contains(name.substr(0, name.find('.'))) && tree(directory, name))
        return true;
    }
    return failed_;
  }

  bool runs_nothing(const UniqueFd& directory, const std::string& name) {
    const auto text = read(directory, name);
    if (!text) return false;
    if (policy::path_file_paths(*text)) return true;
    const auto module = policy::editable_finder_of(*text);
    const auto finder = module ? read(directory, *module + ".py") : std::nullopt;
    return finder && policy::editable_finder_paths(*finder);
  }

  static std::optional<std::string> read(const UniqueFd& directory, const std::string& name) {
    const UniqueFd file(
        base::try_open_beneath(directory.get(), name, O_RDONLY | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    if (status.st_size > static_cast<off_t>(kMaxText)) return {};
    return base::read_all(file.get(), kMaxText, "reading " + name);
  }

  std::int64_t since_;
  std::size_t entries_ = 0;
  bool failed_ = false;
};

}  // namespace

bool python_start_is_changed(const std::string& upper, const std::string& prefix,
                             std::int64_t since) {
  const UniqueFd directory(::open(upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno != ENOENT;
  return StartCheck(since).environment(directory, prefix);
}

bool modules_are_changed(const std::string& upper, const std::string& path, std::int64_t since) {
  const UniqueFd directory(::open(upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno != ENOENT;
  const UniqueFd here(base::try_open_beneath(directory.get(), path.empty() ? "." : path,
                                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!here) return errno != ENOENT;
  return StartCheck(since).modules(here);
}

}  // namespace sandbox_run::watch
