// From each change's own judgement to what is done with it: rolled up where a whole directory has
// one fate, split where it has not.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "workspace/change_tree.h"
#include "workspace/content.h"

namespace sandbox_run::workspace {
namespace {

using policy::Verdict;

Fate fate_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::commit:
      return Fate::commit;
    case Verdict::protect:
      return Fate::protect;
    case Verdict::hold:
    case Verdict::path_file:  // settled before, unless it is a directory
    case Verdict::recorded:   // never a judgement
    case Verdict::manifest:
    case Verdict::own:
      return Fate::hold;
    case Verdict::verify:
    case Verdict::trusted:
    case Verdict::drop:
      return Fate::drop;
    case Verdict::strip:
      return Fate::strip;
  }
  return Fate::hold;
}

/// What is known of all that lies beneath a node.
struct Below {
  Fate fate = Fate::none;            // split: not one for all
  std::uint32_t sample = 0;          // a node of that fate
  std::uint32_t protected_node = 0;  // one that is protected; 0: none
};

/// `node.fate` is its own verdict's on entry.
void settle_expanded(const ChangeTree& tree, Node& node, const Below& below) {
  if (below.fate == Fate::none) return;
  if (node.fate == Fate::none || node.fate == below.fate) {
    if (node.fate == Fate::none && below.fate != Fate::split) {
      node.judgement = tree.nodes[below.sample].judgement;
    }
    node.fate = below.fate;
    return;
  }
  node.fate = Fate::split;
  if (!node.host.exists || S_ISDIR(node.host.mode)) return;
  // A file that became a directory can't be half replaced: the strictest verdict is for all.
  node.fate = below.protected_node == 0 ? Fate::hold : Fate::protect;
  if (below.protected_node != 0) {
    node.judgement = tree.nodes[below.protected_node].judgement;
  } else if (node.judgement.verdict != Verdict::hold) {
    node.judgement = {Verdict::hold, "holds entries that are not expected changes"};
  }
}

void add_to_parent(const Node& node, std::uint32_t index, const Below& own, Below& parent) {
  // Merged directories are never rolled up: the host has things in them that no one judged.
  const Fate shown = node.entries == Entries::merged ? Fate::split : node.fate;
  if (node.fate == Fate::protect) parent.protected_node = index;
  if (own.protected_node != 0) parent.protected_node = own.protected_node;
  if (shown == Fate::none) return;
  if (parent.fate == Fate::none) parent.sample = index;
  parent.fate = parent.fate == Fate::none || parent.fate == shown ? shown : Fate::split;
}

}  // namespace

bool is_new_place(const Judge& judge, const std::string& path) {
  return std::find(judge.new_places.begin(), judge.new_places.end(), path) !=
         judge.new_places.end();
}

bool makes_directories(const Judge& judge) {
  return judge.commits_new_directories || !judge.new_places.empty();
}

/// Children come after their parents, so one pass backwards knows all beneath first.
void judge_by_path(const ChangeTree& tree, const Judge& judge, Node& node) {
  node.judgement = judge.entry(node.change.path);
  // Of files alone; what lies in a directory of such a name is judged.
  if (node.change.type == 'd' && node.judgement.verdict == Verdict::own) {
    node.judgement = {Verdict::commit, ""};
  }
  if (!makes_directories(judge)) return;
  if (tree.nodes.empty() || node.host.exists) return;
  const Node& parent = tree.nodes[node.parent];
  const bool is_wanted = is_new_place(judge, node.change.path)
                             ? node.judgement.verdict != Verdict::protect
                             : judge.commits_new_directories && parent.host.exists &&
                                   node.judgement.verdict == Verdict::commit;
  node.is_created = parent.is_created || (node.change.type == 'd' && is_wanted);
  // Where there was no package.json, one is made, not changed.
  const bool is_first_manifest =
      judge.commits_new_directories && node.judgement.verdict == Verdict::manifest;
  if (node.is_created || is_first_manifest) node.judgement = {Verdict::commit, ""};
}

bool removes_output(const Judge& judge, int host_root, const std::string& path) {
  return judge.removes_output && judge.removes_output(path) && is_ignored_by_git(host_root, path);
}

void object_by_time(const Judge& judge, Node& node, std::int64_t changed_at) {
  const bool is_committed = node.is_change && node.judgement.verdict == Verdict::commit;
  if (!is_committed || !judge.objection) return;
  auto objection = judge.objection(node.change.path, changed_at, node.host.exists);
  if (objection) node.judgement = std::move(*objection);
}

void keep_back(const Judge& judge, bool is_cache, Node& node) {
  if (!judge.hold_reason.empty() && node.judgement.verdict == Verdict::commit) {
    node.judgement = {Verdict::hold, judge.hold_reason};
  }
  if (is_cache && node.judgement.verdict != Verdict::commit) {
    node.judgement.verdict = Verdict::drop;  // a cache holds nothing worth a review
  }
}

bool keeps_us_out(const ChangeTree& tree, const Node& node) {
  const HostEntry& host = node.host;
  if (host.is_closed) return true;
  if (::geteuid() == 0) return false;
  if (host.exists && node.change.kind == ChangeKind::changed && S_ISDIR(host.mode) &&
      node.is_change && host.uid != ::geteuid()) {
    return true;  // its mode
  }
  if (tree.nodes.empty()) return false;
  const HostEntry& around = tree.nodes[node.parent].host;
  const bool others_only = (around.mode & S_ISVTX) != 0 && around.uid != ::geteuid();
  return around.is_closed || (others_only && host.exists && host.uid != ::geteuid());
}

void settle_fates(ChangeTree& tree) {
  std::vector<Below> below(tree.nodes.size());
  for (std::size_t i = tree.nodes.size(); i-- > 0;) {
    Node& node = tree.nodes[i];
    node.fate = node.is_neutral || !node.is_change ? Fate::none : fate_of(node.judgement.verdict);
    if (node.entries == Entries::expanded) settle_expanded(tree, node, below[i]);
    if (i != 0) add_to_parent(node, static_cast<std::uint32_t>(i), below[i], below[node.parent]);
  }
}

std::vector<bool> covered_nodes(const ChangeTree& tree) {
  std::vector<bool> covered(tree.nodes.size(), false);
  for (std::size_t i = 1; i < tree.nodes.size(); ++i) {
    const std::uint32_t parent = tree.nodes[i].parent;
    covered[i] = covered[parent] || (tree.nodes[parent].entries == Entries::expanded &&
                                     tree.nodes[parent].fate != Fate::split);
  }
  return covered;
}

}  // namespace sandbox_run::workspace
