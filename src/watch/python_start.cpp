#include "watch/python_start.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <string_view>
#include <vector>

#include "base/io.h"
#include "base/path.h"
#include "base/unique_fd.h"
#include "policy/editable.h"
#include "policy/verdict.h"

namespace sandbox_run::watch {
namespace {

using base::UniqueFd;

constexpr std::size_t kMaxEntries = 20'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kMaxText = 4U << 20;

class StartCheck {
 public:
  explicit StartCheck(std::int64_t since) : since_(since) {}

  bool prefix(const UniqueFd& upper) {
    if (is_changed(upper, "pyvenv.cfg")) return true;
    const UniqueFd programs = open(upper, "bin");
    for (const std::string& name : names(programs)) {
      const bool is_one = name.starts_with("python") || name.starts_with("pip");
      if (is_one && is_changed(programs, name)) return true;
    }
    for (const char* library : {"lib", "lib64"}) {
      const UniqueFd versions = open(upper, library);
      for (const std::string& version : names(versions)) {
        for (const char* packages : {"site-packages", "dist-packages"}) {
          const UniqueFd directory = open(versions, version + "/" + packages);
          if (directory && site(directory)) return true;
        }
      }
    }
    return failed_;
  }

 private:
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
      if (++entries_ > kMaxEntries) failed_ = true;
      found.push_back(entry.name);
    }
    return found;
  }

  bool is_changed(const UniqueFd& directory, const std::string& name) {
    struct stat status {};
    if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno != ENOENT;
    }
    return status.st_ctim.tv_sec * kSecond + status.st_ctim.tv_nsec >= since_;
  }

  /// Itself or anything in it.
  bool tree(const UniqueFd& parent, const std::string& name) {
    const UniqueFd directory = open(parent, name);
    if (!directory) return is_changed(parent, name);
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
      const std::string_view module = std::string_view(name).substr(0, name.find('.'));
      const bool is_loaded = module == "pip" || module == "sitecustomize" ||
                             module == "usercustomize" || module == "_distutils_hack";
      if (is_loaded && tree(directory, name)) return true;
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

bool python_start_is_changed(const std::string& upper, std::int64_t since) {
  const UniqueFd directory(::open(upper.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno != ENOENT;
  return StartCheck(since).prefix(directory);
}

}  // namespace sandbox_run::watch
