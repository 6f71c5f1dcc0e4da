#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "workspace/change_tree.h"
#include "workspace/cleaner.h"
#include "workspace/journal.h"
#include "workspace/layer_record.h"
#include "workspace/operation_list.h"
#include "workspace/store.h"

namespace sandbox_run::workspace {

struct StripNotice {
  std::string target;
  Stripped what;
};

/// What the layers of one run come to.
struct CommitPlan {
  std::string name_prefix;  // of stored entries; one for each plan of a run
  Journal journal;
  CommitSummary summary;
  std::set<std::string> packages;
  std::vector<StripNotice> stripped;
  bool is_staged = false;  // something was copied beside a target first
};

/// Turns one layer's judged changes into operations.
///
/// Must: leave the layer such that what it plans to move is fit for the host.
/// Must not: touch the host, but for the staging directory.
class LayerPlanner {
 public:
  LayerPlanner(const std::string& run_directory, int run_fd, const LayerRecord& layer,
               CommitPlan& plan);
  /// Adds to the plan. Throws SysError (disk full while staging, …), UserError.
  void add(const Judge& judge, Purpose purpose, Source source);

 private:
  void open_host();
  void decide();
  void decide_node(std::uint32_t index);
  void decide_mode(const Node& node);
  std::uint32_t unwanted_bits() const {
    return unwanted_mode_bits() & ~(keeps_modes_ ? S_IWOTH : 0U);
  }
  std::map<std::uint32_t, Cleaned> clean_taken(PassableScope& passable);
  void place_taken(const std::map<std::uint32_t, Cleaned>& cleaned, Source source);
  void place(const Node& node, const Cleaned& cleaned);
  void remove(const Node& node);
  void open_parent(const Node& node);
  struct PlacedSource {
    Place place;
    std::uint64_t inode = 0;
    std::uint32_t mode = 0;
  };
  PlacedSource source_of(const Node& node);
  void sync_content(const Place& source, std::uint64_t size);
  void strip(const Node& node);
  void own_as_bare(const Node& node, const struct stat& status, const Place& source);
  std::optional<gid_t> handed_group(std::uint32_t index) const;
  std::optional<gid_t> group_for(const Node& node) const;
  void make_target();
  void open_layer_directories(const PassableScope& passable);
  void hold(const Node& node, policy::Verdict verdict, const std::string& reason);
  void undoable(const Node& node);
  void count(const Node& node, std::uint64_t entries, std::uint64_t packages);
  std::uint32_t add_root(const std::string& path, std::uint64_t inode);
  Place on_target(const Node& node) const { return {target_root_, node.change.path}; }
  std::string free_name() { return plan_.name_prefix + std::to_string(stored_++); }

  const std::string& run_directory_;
  const int run_fd_;
  const LayerRecord& layer_;
  const Target& target_;
  CommitPlan& plan_;
  const bool is_cache_;
  bool keeps_modes_ = false;  // Judge's

  base::UniqueFd layer_fd_;
  base::UniqueFd host_fd_;      // the target; none if it doesn't exist
  base::UniqueFd existing_fd_;  // the target, or the nearest directory above it that exists
  std::string existing_;
  bool is_another_directory_ = false;  // not the one that it was when the run began
  Store store_;
  std::uint32_t target_root_ = 0;
  std::uint32_t layer_root_ = 0;
  std::uint32_t store_root_ = 0;
  std::uint64_t stored_ = 0;
  unsigned synced_ = 0;

  ChangeTree tree_;
  std::vector<bool> commits_below_;
  std::vector<std::uint32_t> taken_;
  OperationList operations_;
};

}  // namespace sandbox_run::workspace
