#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "watch/process_root.h"

namespace sandbox_run::watch {

/// A target, and the directory where its changes land.
struct OverlayPlace {
  std::string target;
  std::string upper;
  bool is_cache = false;
  bool is_environment = false;  // of a Python: what its interpreter loads by itself lies in it
};

/// What has been written during the run, as far as it matters to who loads it: an overlay says so
/// by its upper directory, what is mounted read-only is as the host has it, and of the few files of
/// the home their change times tell, which no process inside can set. Fails closed.
class WrittenFiles {
 public:
  explicit WrittenFiles(std::vector<OverlayPlace> places = {});

  /// Files outside the targets, which begin as they are now.
  void remember(const ProcessRoot& root, const std::vector<std::string>& paths);
  bool remembered_have_changed(const ProcessRoot& root) const;

  /// Might the entry at `path` be another than before the run? `path`: real, as inside. `thread`:
  /// one that sees it.
  bool may_be_written(int thread, const std::string& path) const;

  /// Has nothing but packages (node_modules), lockfiles and dependencies in package.json been
  /// written to the targets? Once no, always no. Else a program of the project's own might load
  /// what a package has written for it.
  bool only_packages_are_written();
  /// Has something been written beneath a cache's directory of this name ("corepack")?
  bool cache_is_written(const std::string& name) const;
  /// Has anything been written to a Python's environment?
  bool environment_is_written() const;
  /// See python_start.h. `prefix`: the environment's.
  bool python_start_is_changed(const std::string& prefix, std::int64_t since) const;
  /// Has the entry at `path`, real, in a target, been changed at or after `since`, or can't that be
  /// told?
  bool is_changed(const std::string& path, std::int64_t since) const;
  /// See python_start.h. `directory`: real, as inside.
  bool modules_are_changed(int thread, const std::string& directory, std::int64_t since) const;
  /// package.json in `directory`: the same but for dependencies, as far as it was written.
  bool manifest_is_kept(const std::string& directory) const;

 private:
  const OverlayPlace* place_of(const std::string& path) const;

  std::vector<OverlayPlace> places_;
  std::vector<std::pair<std::string, Look>> remembered_;
  bool only_packages_ = true;
};

}  // namespace sandbox_run::watch
