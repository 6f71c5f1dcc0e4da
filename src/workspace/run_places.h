#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workspace/journal.h"
#include "workspace/layer_record.h"
#include "workspace/record.h"

namespace sandbox_run::workspace {

/// A record names a path that is none of its run's.
class StrangePlace : public UnreadableRecord {
 public:
  explicit StrangePlace(const std::string& path)
      : UnreadableRecord("following a record to " + path + ", which is no place of its run") {}
};

/// What a run's records may lead to, by what is sealed (seal.h): a forged journal could move a file
/// to ~/.ssh. Paths as text: who opens them follows no link and no "..".
class RunPlaces {
 public:
  /// The run's own directory, its layers, their targets.
  RunPlaces(int run_fd, const std::vector<LayerRecord>& layers);

  /// Throws StrangePlace.
  void check(const Journal& journal) const;
  /// A staging directory beside a target's entries. Throws StrangePlace.
  void check_staging(const std::string& path) const;

 private:
  void check(const Root& root, const std::string& path) const;
  bool covers(const std::string& path) const;
  bool is_staging(const std::string& path) const;
  bool leads_to_target(const std::string& path) const;

  std::string staging_name_;
  std::vector<std::string> targets_;
  std::vector<std::string> own_;
};

/// The name of a run's staging directories.
std::string staging_name(std::string_view run_name);

}  // namespace sandbox_run::workspace
