#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sandbox_run::watch {

/// Which package asked for which: to say why one is here ("app › qr-tools › easy-qr-gen"). What it
/// was read from may be hostile: it is bounded, and only words come of it.
class DependencyGraph {
 public:
  static constexpr std::size_t kMaxPackages = 50'000;
  static constexpr std::size_t kMaxEdges = 500'000;

  /// The index of a new package; of one too many, npos.
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  std::size_t add(std::string name, std::string version);
  /// Where every path begins: the project, and the packages of its workspace.
  void mark_root(std::size_t package);
  void connect(std::size_t from, std::size_t to);

  /// Names from a root to the package, the shortest way. Empty: it is not there, or nobody asked
  /// for it. `version` "": any.
  std::vector<std::string> path_to(std::string_view name, std::string_view version) const;
  bool empty() const { return packages_.empty(); }

 private:
  struct Package {
    std::string name;
    std::string version;
    std::vector<std::uint32_t> wants;
  };
  std::vector<Package> packages_;
  std::vector<std::uint32_t> roots_;
  std::size_t edges_ = 0;
};

/// Where Node.js looks for `name`, asked for by the package at `location` ("", "node_modules/a",
/// "packages/web"), the nearest place first: "node_modules/a/node_modules/NAME",
/// "node_modules/NAME". Pure.
std::vector<std::string> places_of(std::string_view location, std::string_view name);

/// Reads a lockfile. Pure; never throws; of text that is none, the graph is empty.
/// `manifest`: the project's package.json, for yarn classic, whose lockfile does not say what the
/// project itself asks for.
DependencyGraph parse_package_lock(std::string_view json);  // npm, lockfileVersion 2 and 3
DependencyGraph parse_pnpm_lock(std::string_view yaml, std::string_view project_name);
DependencyGraph parse_yarn_lock(std::string_view text, std::string_view manifest);
DependencyGraph parse_bun_lock(std::string_view text, std::string_view project_name);
DependencyGraph parse_deno_lock(std::string_view json, std::string_view project_name);

}  // namespace sandbox_run::watch
