#include "plan/parcel.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/path.h"

namespace sandbox_run::plan {
namespace {

bool is_one_of(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

LargeTree large_tree(const struct stat& status) {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  return {status.st_ino, status.st_mtim.tv_sec * kPerSecond + status.st_mtim.tv_nsec,
          std::time(nullptr)};
}

bool is_parcel(const std::unordered_set<std::string>& trees, const std::string& directory,
               std::string_view name) {
  constexpr std::array<std::string_view, 11> kOfPrefix{
      "bin", "sbin", "include", "lib", "lib32", "lib64", "libexec", "share", "src", "etc", "man"};
  constexpr std::array<std::string_view, 4> kHoldParcels{"lib", "libexec", "share", "src"};
  constexpr std::array<std::string_view, 6> kSearched{"node_modules", "pkgconfig", "cmake",
                                                      "site_ruby",    "aclocal",   "perl"};
  constexpr std::array<std::string_view, 3> kVersions{"python", "ruby", "perl"};
  if (trees.count(directory) != 0) return !is_one_of(kOfPrefix, name);
  const bool holds = trees.count(base::parent_path(directory)) != 0 &&
                     is_one_of(kHoldParcels, base::file_name(directory));
  if (!holds || is_one_of(kSearched, name)) return false;
  const bool is_language =
      std::any_of(kVersions.begin(), kVersions.end(),
                  [&](std::string_view language) { return name.starts_with(language); });
  const bool is_architecture = name.find("-linux-") != std::string_view::npos;
  return !is_language && !is_architecture;
}

}  // namespace sandbox_run::plan
