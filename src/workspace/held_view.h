#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "workspace/workspace.h"

namespace sandbox_run::workspace {

/// An entry as it stands on one side of a held change.
struct HeldSide {
  bool exists = false;     // false also: a link or another file stands where a directory was
  char type = 'f';         // as Change::type
  std::uint32_t mode = 0;  // permission bits
  std::uint64_t size = 0;
  std::int64_t ctime = 0;  // ns since 1970; no process in a sandbox can set it
  std::string link;        // what a symbolic link says
};

/// An entry beneath a held directory.
struct HeldEntry {
  std::string path;  // relative to the target
  HeldSide side;
};
struct HeldEntries {
  std::vector<HeldEntry> entries;  // parents before what is in them, sorted; the first ones
  std::uint64_t count = 0;         // all of them
  std::uint64_t bytes = 0;         // of all regular files
  bool complete = true;            // false: nested too deeply to be counted
};

/// What the held changes of one run look like: in the layer (as proposed) and on the host (as it is
/// now). For the time of its life directories of the layer that their owner can't read are made
/// passable.
///
/// Must: read beneath directory descriptors, follow no link, open nothing but regular files.
/// Must not: change the host.
class HeldView {
 public:
  /// Throws SysError.
  explicit HeldView(const std::string& run_directory);
  HeldView(HeldView&&) noexcept;
  HeldView& operator=(HeldView&&) = delete;
  ~HeldView();

  /// Of the whole run but for caches, also those that hold nothing.
  const std::vector<std::string>& targets() const { return targets_; }
  /// Where the layer's entry of `path` lies on the host, for a person who wants to look by hand.
  std::string layer_path(const std::string& target, const std::string& path) const;

  enum class From { layer, host };
  /// Throw SysError. `path` as in HeldChange.
  HeldSide look(From from, const std::string& target, const std::string& path) const;
  /// A regular file's bytes; nullopt if it is longer than `max_bytes` or may not be read.
  std::optional<std::string> read(From from, const std::string& target, const std::string& path,
                                  std::uint64_t max_bytes) const;
  /// All beneath a directory of the layer, of which at most `max_listed` are listed.
  HeldEntries list(const std::string& target, const std::string& path,
                   std::size_t max_listed) const;

 private:
  struct Layer;
  const Layer& layer(const std::string& target) const;

  std::vector<std::string> targets_;
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace sandbox_run::workspace
