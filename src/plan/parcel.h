#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>

// What administrators and images put beside the distribution: /opt/az, /usr/local/lib/android.
// Machines of CI services hold millions of files there, of which an install wants none.

namespace sandbox_run::plan {

/// One that was found to be too large, by an earlier run: as long as its directory is the same, it
/// is not counted once more. Wrong at worst to the safe side: what has become small stays hidden.
struct LargeTree {
  std::uint64_t inode = 0;
  std::int64_t modified = 0;  // ns
  std::int64_t found = 0;     // s since the epoch: since when it is known, not what it is
  friend bool operator==(const LargeTree& one, const LargeTree& other) {
    return one.inode == other.inode && one.modified == other.modified;
  }
};
using LargeTrees = std::map<std::string, LargeTree>;
LargeTree large_tree(const struct stat& status);

/// One of these trees, which nothing leads to: looked through only if it is small.
struct Parcel {
  Parcel(std::string where, const LargeTree& as) : path(std::move(where)), identity(as) {}
  std::string path;
  LargeTree identity;
  std::atomic<std::size_t> entries = 0;
};

constexpr std::size_t kMaxOfParcel = 1000;

/// Is `name` in `directory` one, where `trees` ("/opt", "/usr/local") are looked through? Not so
/// what interpreters, compilers and linkers search by themselves.
bool is_parcel(const std::unordered_set<std::string>& trees, const std::string& directory,
               std::string_view name);

}  // namespace sandbox_run::plan
