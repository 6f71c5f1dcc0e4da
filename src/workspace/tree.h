#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/sys_error.h"
#include "base/unique_fd.h"

// Trees beneath a directory descriptor.
//
// Must: follow no link; need no more descriptors and no more stack for a deep tree than for a flat
//       one (a script makes directories nested by the thousand); read what its owner may not read.
// Must not: leave a mode changed that it changed in order to read.

namespace sandbox_run::workspace {

/// Deeper trees are refused: each level costs a look-up in all that lies beneath it.
inline constexpr std::size_t kMaxDepth = 1000;

class TooDeep : public std::runtime_error {
 public:
  TooDeep() : std::runtime_error("directories nested too deeply") {}
};

/// Directory `path` ("" is the root) beneath `root_fd`, open for reading; longer than PATH_MAX is
/// fine. -1 and errno on failure; openat2(2)'s ELOOP if a component is a link.
int try_open_directory(int root_fd, const std::string& path);
base::UniqueFd open_directory(int root_fd, const std::string& path);

/// The directory that holds `path`, and the name in it.
struct Located {
  base::UniqueFd directory;
  std::string name;
};
Located locate(int root_fd, const std::string& path);

/// An absolute path, none of whose components may be a link.
base::UniqueFd open_real_directory(const std::string& path);

std::string child_path(const std::string& directory, std::string_view name);

/// lstat(2) of `name`; false if there is none. Throws SysError.
bool stat_entry(int dir_fd, const char* name, struct stat& status);

inline constexpr std::int64_t kNoTime = INT64_MAX;
/// When the kernel last changed its inode, ns since 1970; kNoTime: it is gone. Throws SysError.
std::int64_t change_time(int dir_fd, const char* name);

/// Change::type of an entry with that st_mode: f d l (symlink) p s b c; f of what is none of these.
char type_letter(mode_t mode);

/// chmod(2) of `name`, which is no link, without permission on it and without following one.
void set_entry_mode(int dir_fd, const std::string& name, mode_t mode);

/// A directory that can't be read is an error; or counts as empty, as one that is gone; or is made
/// passable.
enum class Access { as_it_is, where_allowed, make_passable };

/// Opens directories beneath one root. With make_passable: where their owner has shut himself out,
/// their mode is changed for the time of this object's life (not for root, whom modes don't bind).
/// Two threads may open directories at a time, each its own.
class PassableScope {
 public:
  explicit PassableScope(int root_fd, Access access = Access::make_passable);
  PassableScope(const PassableScope&) = delete;
  PassableScope& operator=(const PassableScope&) = delete;
  ~PassableScope();

  struct Locked {
    std::string path;
    mode_t mode;
  };
  /// As workspace::open_directory, made passable first; its parents must be already. None only with
  /// where_allowed.
  base::UniqueFd open_directory(const std::string& path);
  /// As open_directory, its parents made passable, too.
  base::UniqueFd open_with_parents(const std::string& path);
  /// To be read when no other thread opens any.
  const std::vector<Locked>& locked() const { return locked_; }

 private:
  base::UniqueFd open_if_owner(const std::string& path, base::UniqueFd directory);

  int root_fd_;
  Access access_;
  bool is_root_;
  std::mutex mutex_;
  std::vector<Locked> locked_;  // parents before what they hold
};

/// Calls `visit(name, DT_* type)` for each entry but "." and ".."; DT_UNKNOWN is resolved. `buffer`
/// is scratch space, reused. The descriptor's offset must be at the
/// beginning; no entry may be added meanwhile.
template <typename Visit>
void for_each_entry(int dir_fd, std::vector<char>& buffer, Visit&& visit) {
  constexpr std::size_t kBufferSize = 32768;
  if (buffer.size() < kBufferSize) buffer.resize(kBufferSize);
  while (true) {
    const ssize_t size =
        base::check_sys(::getdents64(dir_fd, buffer.data(), buffer.size()), "listing a directory");
    if (size == 0) return;
    for (ssize_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      at += entry->d_reclen;
      const char* name = entry->d_name;
      if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'))) continue;
      unsigned char type = entry->d_type;
      if (type == DT_UNKNOWN) {
        struct stat status {};
        if (!stat_entry(dir_fd, name, status)) continue;
        type = static_cast<unsigned char>(IFTODT(status.st_mode));
      }
      visit(name, type);
    }
  }
}

}  // namespace sandbox_run::workspace
