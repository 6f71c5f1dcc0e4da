#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workspace/inspection.h"
#include "workspace/overlay_marks.h"
#include "workspace/tree.h"

// Takes off, in the layer, what no install may leave on the host: setuid and setgid bits, write
// permission of everybody, device nodes, sockets, FIFOs, security.* and trusted.* attributes,
// overlay's own attributes; and counts.

namespace sandbox_run::workspace {

struct Cleaned {
  std::uint64_t entries = 0;   // as of Inspection
  std::uint64_t packages = 0;  // the same
  bool gone = false;           // the entry was nothing but a device, a socket or a FIFO
  std::string refusal;         // not empty: why it may not be committed
};

struct Stripped {
  std::string path;
  std::string what;  // "setuid bit", "FIFO", …
};

class Cleaner {
 public:
  explicit Cleaner(int layer_fd) : layer_fd_(layer_fd) {}

  /// Where the entry goes to. `hands_group_on`: that directory of the host's has its setgid bit;
  /// then new directories have it, too. `mode`: of what is there now; 0: nothing is.
  struct Host {
    bool hands_group_on = false;
    mode_t mode = 0;
    bool everybody_may_write = false;  // what is new, too
  };
  /// The entry `path` and all beneath, of which `inspection` tells.
  Cleaned clean(const std::string& path, const Inspection& inspection, const Host& host);

  /// Files of which not every hard link was cleaned (the others stay behind, held for review) get
  /// an inode of their own: else what is written to the one changes what was reviewed of the other.
  void separate_shared_files();

  std::uint64_t stripped_count() const { return stripped_count_; }
  /// The first of them.
  const std::vector<Stripped>& stripped() const { return stripped_; }

 private:
  void note(const std::string& path, const char* what);
  void clean_mode(int dir_fd, const std::string& name, const Finding& finding, mode_t kept);
  void remove_special(int dir_fd, const std::string& name, const Finding& finding);
  void clean_attributes_of(int dir_fd, const std::string& name, const Finding& finding,
                           OverlayMarks marks, OpenLists lists, Cleaned& cleaned);

  int layer_fd_;
  std::vector<Inspection::Link> links_;
  std::uint64_t stripped_count_ = 0;
  std::vector<Stripped> stripped_;
};

}  // namespace sandbox_run::workspace
