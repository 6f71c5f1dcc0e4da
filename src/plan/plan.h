#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "policy/resource_limits.h"

// What will be done: a printable value, decided before any namespace exists. Holds no descriptor
// and no pointer; of policy/ it has the limits' numbers alone, so that the child can never decide
// anything.

namespace sandbox_run::plan {

enum class Access { read_only, read_write };

/// The host's `source` (file or directory, with all mounts below it) at `target`. nosuid; nodev too
/// unless `device`.
struct BindMount {
  std::string source;
  std::string target;
  Access access = Access::read_only;
  bool device = false;
};
struct TmpfsMount {
  std::string target;
  mode_t mode = 0755;
  std::uint64_t max_bytes = 0;  // 0: the kernel's default (half of memory)
};
/// A directory of the new root that leads to the project, with nothing else in it: made, and closed
/// (mode 0555) once all that lies in it is there. What a command puts beside the project would be
/// thrown away: it is told so at once.
struct WayDirectory {
  std::string target;
};
/// Read-only: what /proc/PID/mem and others like it would let one process do to another, and root
/// to the kernel (A037, A173).
struct ProcMount {
  std::string target;
};
struct DevptsMount {
  std::string target;
};
struct SymbolicLink {
  std::string target;  // where the link stands
  std::string content;
};
/// A file of ours, read-only.
struct TextFile {
  std::string target;
  std::string content;
  mode_t mode = 0644;
};
/// A false credential, mode 0600; its descriptor goes to the supervisor, who sees each open of it.
struct DecoyFile {
  std::string target;
  std::string content;
};
/// Hides a file or directory of the host that an earlier step shows: an empty one over it, or for a
/// file one with this content.
struct Mask {
  std::string target;
  bool directory = false;
  std::string content = {};
};
/// A file of ours over one of the host that an earlier step shows.
struct FileCopy {
  std::string target;
  std::string content;
};
/// userxattr,volatile overlay: changes land in layers[layer] (see Plan::layers).
struct OverlayMount {
  std::string target;
  std::size_t layer = 0;
};

/// In order. Mount points are made as needed (in tmpfs), never followed through a link.
using MountStep = std::variant<BindMount, TmpfsMount, WayDirectory, ProcMount, DevptsMount,
                               SymbolicLink, TextFile, DecoyFile, Mask, FileCopy, OverlayMount>;

enum class LayerKind { project, environment, cache, extra };

/// One target, and where its changes land.
struct Layer {
  std::string target;  // absolute path, the same inside and outside
  LayerKind kind = LayerKind::project;
  std::string lower;  // what is changed: the target itself, or an empty directory if it is new
  std::string upper;  // directory for changes
  std::string work;   // overlayfs' own, same file system as upper
  /// The target does not exist on the host yet (a cache not used before).
  bool lower_is_empty = false;
};

struct IdMap {
  uid_t uid = 0;
  gid_t gid = 0;
  bool whole_range = false;  // a caller that is really root: 0 0 4294967295
};

struct NetworkPlan {
  std::vector<std::uint16_t> tcp_ports;  // listened on for the broker
  bool names = true;                     // UDP and TCP port 53
};

/// Landlock on top of the mounts: what may be written; reading and executing is allowed everywhere
/// in the new root.
struct LandlockPlan {
  int abi = 0;  // 0: the kernel has none
  std::vector<std::string> writable;
};

/// What of the host the supervisor itself keeps once the sandbox is there. Paths that do not exist
/// are passed over.
struct SupervisorFiles {
  std::vector<std::string> readable;
  std::vector<std::string> writable;  // readable, too
  std::vector<std::string> tidied;    // empty directories may be removed
};

struct ExecSpec {
  std::vector<std::string> arguments;  // argv; never empty
  std::string path;                    // absolute, as found in PATH
  std::string working_directory;
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> decoys;  // names of those variables whose value is a decoy, sorted
};

struct Plan {
  std::string profile;
  IdMap ids;
  std::vector<Layer> layers;
  std::vector<MountStep> mounts;
  NetworkPlan network;
  LandlockPlan landlock;
  SupervisorFiles supervisor;
  ExecSpec exec;
  std::string home;  // the false one's own mount; "": there is none
  std::optional<std::chrono::seconds> time_limit;
  policy::Limits limits = {};
  /// For people and the log: what was left out, by name, and why (withheld variables, …).
  std::vector<std::string> withheld_environment;
  std::vector<std::string> notes;
};

/// Does `path` lie where the plan shows what the host has, read-only?
bool is_hosts_own(const Plan& plan, std::string_view path);

/// Stable text of the whole plan, one fact a line: `sandbox-run plan`, and the golden tests.
std::string to_text(const Plan& plan);

}  // namespace sandbox_run::plan
