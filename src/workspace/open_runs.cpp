#include "workspace/open_runs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

constexpr const char* kOpen = ".open";

std::string name_of(int run_fd) { return base::file_name(base::path_of(run_fd)); }

std::string place_of(const std::string& name) { return std::string("../") + kOpen + "/" + name; }

}  // namespace

void note_open(int run_fd) {
  const std::string doing = "noting that a run has begun";
  const std::string place = place_of(name_of(run_fd));
  struct stat status {};
  // The supervisor may not write there: it was noted before.
  if (::fstatat(run_fd, place.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return;
  constexpr int kFlags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  int fd = ::openat(run_fd, place.c_str(), kFlags, 0600);
  if (fd < 0 && errno == ENOENT) {
    const std::string directory = std::string("../") + kOpen;
    if (::mkdirat(run_fd, directory.c_str(), 0700) != 0 && errno != EEXIST) {
      throw base::SysError(doing);
    }
    fd = ::openat(run_fd, place.c_str(), kFlags, 0600);
  }
  const base::UniqueFd note(base::check_sys(fd, doing));
}

void sync_open_runs(int run_fd) {
  const std::string doing = "writing to the disk that a run has begun";
  const std::string directory = std::string("../") + kOpen;
  const base::UniqueFd notes(base::check_sys(
      ::openat(run_fd, directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), doing));
  base::check_sys(::fsync(notes.get()), doing);
}

void note_over(int run_fd) noexcept {
  try {
    (void)::unlinkat(run_fd, place_of(name_of(run_fd)).c_str(), 0);
  } catch (const std::exception&) {
    return;  // out of memory, or the run is gone
  }
}

std::optional<std::vector<std::string>> open_runs(int runs_fd) {
  const base::UniqueFd directory(try_open_directory(runs_fd, kOpen));
  if (!directory) return std::nullopt;
  std::vector<std::string> names;
  for (base::DirectoryEntry& entry : base::list_directory(directory.get())) {
    names.push_back(std::move(entry.name));
  }
  return names;
}

void forget_open(int runs_fd, const std::string& name) noexcept {
  try {
    (void)::unlinkat(runs_fd, (std::string(kOpen) + "/" + name).c_str(), 0);
  } catch (const std::exception&) {
    return;  // out of memory
  }
}

}  // namespace sandbox_run::workspace
