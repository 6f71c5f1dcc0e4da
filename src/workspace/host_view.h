#pragma once

#include <string>

#include "workspace/change_tree.h"

// The host's side of a comparison: read, never changed.

namespace sandbox_run::workspace {

class HostView {
 public:
  /// `root_fd` -1: the target does not exist.
  HostView(int root_fd, const LayerRecord& layer);

  /// The directory `path`, or none: it doesn't exist, is a link, may not be read, or another file
  /// system is mounted there.
  base::UniqueFd directory(const std::string& path) const;
  int root() const { return root_fd_; }
  /// `dir_fd` -1: nothing exists there.
  HostEntry look(int dir_fd, const char* name) const;
  /// During the run, and not by us.
  bool has_changed(const HostEntry& entry) const;

  struct TreeFacts {
    policy::Judgement strictest{policy::Verdict::commit, ""};  // commit, hold or protect
    bool has_changed = false;                                  // something in it, during the run
    bool is_unreadable = false;
    bool is_closed = false;  // a directory in it is (HostEntry::is_closed): it could not be removed
    void add(policy::Judgement judgement);
  };
  /// All that would go if the directory went. Asks `judge` by two threads at a time.
  TreeFacts examine(const std::string& path, const Judge& judge) const;

 private:
  int root_fd_;
  const LayerRecord& layer_;
  std::uint64_t mount_id_ = 0;
};

/// Same content, user attributes and (of a link) target? Types and sizes are known to be equal.
bool is_identical(int layer_dir, int host_dir, const char* name, const struct stat& status);

}  // namespace sandbox_run::workspace
