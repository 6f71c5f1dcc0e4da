#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workspace/overlay_marks.h"
#include "workspace/tree.h"

// Takes off, in the layer, what no install may leave on the host: setuid and setgid bits, device
// nodes, sockets, FIFOs, security.* and trusted.* attributes, overlay's own attributes; and counts.

namespace sandbox_run::workspace {

struct Cleaned {
  std::uint64_t entries = 0;   // files, links and directories, the entry itself included
  std::uint64_t packages = 0;  // package directories below the entry, itself not included
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

  /// The entry and all beneath. `keep_setgid`: the directory it goes to on the host hands its group
  /// on; then its new directories do, too.
  enum class Setgid { strip, keep };
  Cleaned clean(const std::string& path, Setgid setgid);

  /// Files of which not every hard link was cleaned (the others stay behind, held for review) get
  /// an inode of their own: else what is written to the one changes what was reviewed of the other.
  void separate_shared_files();

  std::uint64_t stripped_count() const { return stripped_count_; }
  /// The first of them.
  const std::vector<Stripped>& stripped() const { return stripped_; }

 private:
  struct Link {
    std::uint64_t inode;
    std::uint64_t count;
    std::string path;
  };
  struct Place;
  void note(const std::string& path, const char* what);
  Next clean_entry(const Place& place, const char* name, unsigned char type, Cleaned& cleaned);
  bool clean_file(const Place& place, const char* name, Cleaned& cleaned);
  void clean_directory(int fd, const std::string& path, OverlayMarks marks, Cleaned& cleaned);

  int layer_fd_;
  Setgid setgid_ = Setgid::strip;
  bool is_impure_ = false;  // the directory being walked holds entries that were copied up
  std::vector<Link> links_;
  std::uint64_t stripped_count_ = 0;
  std::vector<Stripped> stripped_;
};

/// Is directory `name` in `dir_path` a package's own: node_modules/NAME, node_modules/@SCOPE/NAME,
/// NAME.dist-info?
bool is_package_directory(std::string_view dir_path, std::string_view name);
/// The innermost such directory that `path` is or lies in; "" if none.
std::string package_of(std::string_view path);

}  // namespace sandbox_run::workspace
