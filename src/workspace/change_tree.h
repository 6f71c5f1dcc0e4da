#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "workspace/inspection.h"
#include "workspace/judge.h"
#include "workspace/layer_record.h"
#include "workspace/tree.h"
#include "workspace/workspace.h"

// A layer read as a tree of changes, each with what becomes of it.
//
// Must: look at the layer and at the host beneath directory descriptors only; judge what a removal
//       takes away, not only its name; see what changed on the host since the run began.
// Must not: change anything, in the layer or on the host (a mode that stands in the way of reading
//       the layer is put back).

namespace sandbox_run::workspace {

/// The entry of the same path on the host, as it was when the layer was read.
struct HostEntry {
  bool exists = false;
  bool is_mount_point = false;
  /// Another owner's, and may not be changed (a directory) or not be read (a file) by us.
  bool is_closed = false;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;  // with type
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  std::int64_t mtime = 0;  // ns
  std::int64_t ctime = 0;
};

/// What is done with a change. split: with each entry beneath it on its own.
enum class Fate { none, commit, hold, protect, drop, strip, split };

enum class Entries {
  unread,   // no directory, or judged as a whole
  merged,   // a directory on both sides: what is not in the layer stays as it is
  expanded  // new, or opaque (what is not in the layer is removed); rolled up if all agree
};

struct Node {
  std::uint32_t parent = 0;  // index; the target itself (index 0) is its own parent
  std::uint32_t depth = 0;
  Change change;
  bool is_change = true;    // false: a directory that is as on the host, but for what is in it
  bool is_neutral = false;  // a directory that is as wanted as what is in it
  bool opaque = false;
  /// Something in it is no expected change whatever its path: all in it is judged one by one.
  bool one_by_one = false;
  bool is_created = false;  // a new directory that was asked for, or in one
  Entries entries = Entries::unread;
  HostEntry host;
  policy::Judgement judgement;  // commit, hold, protect or drop
  Fate fate = Fate::none;       // from its own judgement and those beneath
};

struct ChangeTree {
  std::vector<Node> nodes;  // parents before children; [0] is the target itself
  std::map<std::uint32_t, Inspection> inspections;  // of directories that are committed whole
};

inline constexpr const char* kChangedOnHost = "changed on the host meanwhile";

/// first_commit: right after the run. review: later, when commits of ours have touched directories
/// on the host. list: nothing is committed, so the host's times don't matter.
enum class Purpose { first_commit, review, list };

/// `host_fd` -1: there is no such directory on the host. `passable` is of the layer; its life is
/// that of what is done with the tree. Throws SysError, UserError (too many changes to judge).
ChangeTree read_change_tree(const LayerRecord& layer, int host_fd, PassableScope& passable,
                            const Judge& judge, Purpose purpose);

/// Is it a directory that the command is to make?
bool is_new_place(const Judge& judge, const std::string& path);
/// Are there new directories that are committed as they are?
bool makes_directories(const Judge& judge);
/// What the rules say of a new node, by its path and by what it lies in.
void judge_by_path(const ChangeTree& tree, const Judge& judge, Node& node);
/// Judge::removes_output, where git ignores what was at `path` of the host; of a directory, then,
/// all that is in it.
bool removes_output(const Judge& judge, int host_root, const std::string& path);
/// Judge::objection, where the rules would commit the node.
void object_by_time(const Judge& judge, Node& node, std::int64_t changed_at);
/// What is held, or of a cache dropped, whatever its path and its content have said.
void keep_back(const Judge& judge, bool is_cache, Node& node);
/// What the kernel would refuse us at the commit, in the middle of it: the command saw copies that
/// are our own, or a directory hidden.
bool keeps_us_out(const ChangeTree& tree, const Node& node);

/// Sets each node's fate (read_change_tree() does).
void settle_fates(ChangeTree& tree);

/// For each node: does a directory above it stand for it (rolled up)?
std::vector<bool> covered_nodes(const ChangeTree& tree);

}  // namespace sandbox_run::workspace
