#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "workspace/workspace.h"

namespace sandbox_run::workspace {

/// Host entries that an undone commit moved there and back: inode → the ctime (ns) that it left.
/// With another ctime somebody else has changed them since.
using Touched = std::map<std::uint64_t, std::int64_t>;
Touched load_touched(int run_fd);
void add_touched(int run_fd, const Touched& touched);

/// What make_layers() writes down of a layer, for commits in later processes.
struct LayerRecord {
  LayerDirectory directory;
  std::uint64_t target_inode = 0;  // 0: the target did not exist
  std::int64_t changed_since = 0;  // ns: a host entry whose ctime is this or later has changed
  Touched touched;                 // but for these

  bool is_cache() const { return directory.target.kind == policy::TargetKind::cache; }
};

std::vector<LayerRecord> load_layers(int run_fd);
bool has_layers(int run_fd);
/// To the disk, with its seal: a commit begins, and its recovery needs them. Throws SysError.
void sync_layers(int run_fd);

/// A run's directory, open. Links on the way to the state directory are the user's own, and
/// followed; `path` is what they lead to, for the records.
struct RunDirectory {
  std::string path;
  base::UniqueFd fd;
};
RunDirectory open_run(const std::string& run_directory);

/// The run's name: the last component of its directory.
std::string run_name(const std::string& run_directory);

std::int64_t to_nanoseconds(const timespec& time);

}  // namespace sandbox_run::workspace
