#pragma once

#include <string>

#include "base/unique_fd.h"

namespace sandbox_run::workspace {

/// direct_if_possible: renames straight from the layer where it lies on the target's file system.
enum class Source { direct_if_possible, staging };

/// A directory on the target's own file system, where old entries go, and where new ones are copied
/// to before they are renamed if the layer lies elsewhere.
struct Store {
  std::string path;
  base::UniqueFd fd;
  bool is_staged = false;    // entries must be copied here first
  bool can_exchange = true;  // renameat2(2) RENAME_EXCHANGE; not on NFS
};

/// `existing`: the target, or the nearest directory above it that exists; open as `existing_fd`.
/// A staging directory is written down in the run directory before it is made.
Store open_store(const std::string& run_directory, int run_fd, int layer_fd,
                 const std::string& existing, int existing_fd, Source source);

/// The store beside a run's layers, if they lie on the target's file system.
inline constexpr const char* kTrash = "trash";

/// Removes the stores in targets' file systems, which people would see there.
void remove_staging(int run_fd);
/// Removes all stores of a run: the old entries, for good.
void remove_stores(int run_fd);

}  // namespace sandbox_run::workspace
