#pragma once

#include <sys/stat.h>

#include <map>
#include <string>

// What overlayfs writes into an upper layer mounted with `userxattr`
// (Documentation/filesystems/overlayfs.rst): a whiteout is a character device 0:0, an opaque
// directory has user.overlay.opaque=y, a copied-up entry user.overlay.origin. A script can make
// none of these through the mount: mknod of 0:0 is refused, and user.overlay.* that it sets is
// stored as user.overlay.overlay.* (older kernels refuse that too).

namespace sandbox_run::workspace {

bool is_whiteout(const struct stat& status);

struct Marks {
  bool opaque = false;
  bool copied_up = false;  // there was something on the host when the sandbox changed it
};
/// Of an open directory.
Marks read_marks(int fd);

/// What is there that must not reach the host.
struct Attributes {
  /// security.*, trusted.* (not the kernel's own labels); of a directory a default access list by
  /// which everybody may write what is made in it.
  bool foreign = false;
  bool marks = false;   // overlay's own
  bool impure = false;  // of these: entries that were copied up lie in this directory
};
Attributes look_at_attributes(int fd);
/// Of a file, whatever its mode.
Attributes look_at_file_attributes(int dir_fd, const std::string& name);

/// user.* of a file but overlay's: name → value. What can't be read is not there.
std::map<std::string, std::string> user_attributes(int dir_fd, const std::string& name);

/// What came of taking it off.
struct CleanedAttributes {
  unsigned foreign = 0;  // removed
  bool refused = false;  // some could not be
};
enum class OverlayMarks { keep, remove };
enum class OpenLists { keep, remove };  // default access lists by which everybody may write
/// Of an open directory that its owner may write.
CleanedAttributes clean_attributes(int fd, OverlayMarks marks, OpenLists lists);
/// Of a file, whatever its mode.
CleanedAttributes clean_file_attributes(int dir_fd, const std::string& name);

/// Puts the opaque mark back (undo of clean_attributes).
void set_opaque(int fd);

/// Can directory `fd` carry overlay's attributes? Tried, not guessed. False if not supported.
bool can_carry_marks(int fd);

}  // namespace sandbox_run::workspace
