#include "workspace/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/path.h"
#include "base/sys_error.h"
#include "workspace/layer_record.h"
#include "workspace/record.h"
#include "workspace/removal.h"
#include "workspace/run_places.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;
using base::UniqueFd;

constexpr const char* kStagingFile = "staging";
constexpr std::string_view kStagingKind = "sandbox-run staging 1";

/// Asked with names that don't exist: the kernel compares the mounts first, so nothing is touched.
bool can_rename(int from_dir, int to_dir) {
  constexpr const char* kNoSuchName = ".sandbox-run-no-such-name";
  struct stat from {};
  struct stat to {};
  check_sys(::fstat(from_dir, &from), "looking at a layer");
  check_sys(::fstat(to_dir, &to), "looking at a target");
  return from.st_dev == to.st_dev &&
         ::renameat2(from_dir, kNoSuchName, to_dir, kNoSuchName, RENAME_NOREPLACE) != 0 &&
         errno == ENOENT;
}

bool try_exchange(int dir_fd) {
  constexpr const char* kNames[] = {"exchange-a", "exchange-b"};
  for (const char* name : kNames) {
    const UniqueFd file(check_sys(::openat(dir_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600),
                                  "trying the target's file system"));
  }
  const bool works = ::renameat2(dir_fd, kNames[0], dir_fd, kNames[1], RENAME_EXCHANGE) == 0;
  for (const char* name : kNames) (void)::unlinkat(dir_fd, name, 0);
  return works;
}

std::vector<std::string> load_staging(int run_fd) {
  const std::string bytes = read_if_present(run_fd, kStagingFile);
  std::vector<std::string> paths;
  if (bytes.empty()) return paths;
  RecordReader reader(bytes, kStagingKind);
  while (!reader.at_end()) paths.push_back(reader.text());
  return paths;
}

void note_staging(int run_fd, const std::string& path) {
  std::vector<std::string> paths = load_staging(run_fd);
  if (std::find(paths.begin(), paths.end(), path) != paths.end()) return;
  paths.push_back(path);
  RecordWriter writer(kStagingKind);
  for (const std::string& known : paths) writer.text(known);
  write_durably(run_fd, kStagingFile, writer.finish());
}

UniqueFd make_and_open(int dir_fd, const std::string& name) {
  const std::string doing = "making directory " + name;
  if (::mkdirat(dir_fd, name.c_str(), 0700) != 0 && errno != EEXIST) throw base::SysError(doing);
  return UniqueFd(check_sys(
      ::openat(dir_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), doing));
}

}  // namespace

Store open_store(const std::string& run_directory, int run_fd, int layer_fd,
                 const std::string& existing, int existing_fd, Source source) {
  Store store;
  store.is_staged = source == Source::staging || !can_rename(layer_fd, existing_fd);
  if (!store.is_staged) {
    store.path = run_directory + "/" + kTrash;
    store.fd = make_and_open(run_fd, kTrash);
    return store;
  }
  const std::string name = staging_name(run_name(run_directory));
  store.path = base::join_path(existing, name);
  note_staging(run_fd, store.path);
  store.fd = make_and_open(existing_fd, name);
  store.can_exchange = try_exchange(store.fd.get());
  return store;
}

void remove_staging(int run_fd) {
  const std::vector<std::string> paths = load_staging(run_fd);
  if (!paths.empty()) {
    const RunPlaces places(run_fd, load_layers(run_fd));
    for (const std::string& path : paths) places.check_staging(path);
  }
  for (const std::string& path : paths) {
    try {
      const UniqueFd parent = open_real_directory(base::parent_path(path));
      remove_entry(parent.get(), base::file_name(path));
    } catch (const base::SysError& error) {
      if (error.error_number() != ENOENT) throw;  // the whole target is gone
    }
  }
  if (::unlinkat(run_fd, kStagingFile, 0) != 0 && errno != ENOENT) {
    throw base::SysError("removing the record of staging");
  }
}

void remove_stores(int run_fd) {
  remove_staging(run_fd);
  remove_entry(run_fd, kTrash);
}

}  // namespace sandbox_run::workspace
