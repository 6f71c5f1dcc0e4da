#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

// What administrators and images put beside the distribution: /opt/az, /usr/local/lib/android.
// Machines of CI services hold millions of files there, of which an install wants none.

namespace sandbox_run::plan {

/// One of these trees, which nothing leads to: looked through only if it is small.
struct Parcel {
  explicit Parcel(std::string where) : path(std::move(where)) {}
  std::string path;
  std::atomic<std::size_t> entries = 0;
};

constexpr std::size_t kMaxOfParcel = 1000;

/// Is `name` in `directory` one, where `trees` ("/opt", "/usr/local") are looked through? Not so
/// what interpreters, compilers and linkers search by themselves.
bool is_parcel(const std::unordered_set<std::string>& trees, const std::string& directory,
               std::string_view name);

}  // namespace sandbox_run::plan
