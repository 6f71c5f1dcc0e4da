#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "workspace/tree.h"
#include "workspace/workspace.h"

// One look at all that is about to be committed: what has to come off it, and whether anything in
// it is no expected change after all.
//
// Must: change nothing, for what it finds may be held as it is. Look at each entry once: it is the
//       longest part of the commit of a large install.

namespace sandbox_run::workspace {

/// Something that no install may leave on the host.
struct Finding {
  enum class Kind {
    special,         // a device, a FIFO, a socket, a whiteout
    file_mode,       // unwanted_mode_bits()
    directory_mode,  // the same
    file_attributes,
    directory_attributes
  };
  Kind kind = Kind::special;
  std::string path;
  unsigned char type = 0;  // DT_*
};

/// setuid and setgid; and write permission of everybody, but where the caller's umask(2) gives it.
///
/// The attack: a script leaves a file that each user of the machine may change.
mode_t unwanted_mode_bits();

struct Inspection {
  std::uint64_t entries = 0;      // files, links and directories, the entry itself included
  std::uint64_t packages = 0;     // package directories below the entry, itself not included
  bool is_gone = false;           // there is no such entry
  bool is_objectionable = false;  // `objects` said so; the look ended there
  std::string refusal;            // not empty: why it may not be committed
  std::vector<Finding> findings;  // by path, so parents before what they hold
  struct Link {
    std::uint64_t inode = 0;
    std::uint64_t count = 0;  // all its hard links, wherever they are
    std::string path;
  };
  std::vector<Link> links;  // files with more than one, by path
};

/// Is this entry, which is no directory, objectionable? `type` DT_*. Two threads ask at a time.
using Objects = std::function<bool(int dir_fd, const char* name, const std::string& dir_path,
                                   unsigned char type)>;

/// The entry `path` and all beneath it. `passable` is of the layer. Throws SysError.
Inspection inspect(const std::string& path, PassableScope& passable, const Objects& objects);

/// Is directory `name` in `dir_path` a package's own: node_modules/NAME, node_modules/@SCOPE/NAME,
/// NAME.dist-info?
bool is_package_directory(std::string_view dir_path, std::string_view name);
/// The innermost such directory that `path` is or lies in; "" if none.
std::string package_of(std::string_view path);
/// What a person calls the place of a change: "node_modules", "app/node_modules", "src".
std::string root_of(std::string_view path);
/// The same with what Target::telling adds.
std::string told_root(const Target& target, std::string_view path);

}  // namespace sandbox_run::workspace
