#include "workspace/layer_planner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/path.h"
#include "base/sys_error.h"
#include "workspace/copy_tree.h"
#include "workspace/held_list.h"
#include "workspace/overlay_marks.h"
#include "workspace/owners.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;
using base::UniqueFd;
using policy::Verdict;

constexpr std::size_t kMaxRoots = 20;
/// So many single files are on the disk before the commit (lockfiles, manifests); the content of
/// whole new directories is as durable as after the bare command.
constexpr unsigned kMaxSyncedFiles = 64;

bool is_directory(const Node& node) { return node.change.type == 'd'; }

}  // namespace

LayerPlanner::LayerPlanner(const std::string& run_directory, int run_fd, const LayerRecord& layer,
                           CommitPlan& plan)
    : run_directory_(run_directory),
      run_fd_(run_fd),
      layer_(layer),
      target_(layer.directory.target),
      plan_(plan),
      is_cache_(target_.kind == policy::TargetKind::cache) {}

void LayerPlanner::open_host() {
  existing_ = target_.path;
  while (true) {
    try {
      existing_fd_ = open_real_directory(existing_);
      break;
    } catch (const base::SysError& error) {
      // Gone, or a file or a link is in its way (ENOTDIR, ELOOP).
      if (error.error_number() != ENOENT || existing_ == "/") {
        is_another_directory_ = true;
        if (existing_ == "/") throw;
      }
      existing_ = base::parent_path(existing_);
    }
  }
  if (existing_ != target_.path) {
    is_another_directory_ = is_another_directory_ || layer_.target_inode != 0;
    return;
  }
  struct stat status {};
  check_sys(::fstat(existing_fd_.get(), &status), "looking at " + target_.path);
  if (layer_.target_inode != 0 && status.st_ino != layer_.target_inode) {
    is_another_directory_ = true;
    return;
  }
  host_fd_ = base::duplicate(existing_fd_.get());
}

std::uint32_t LayerPlanner::add_root(const std::string& path, std::uint64_t inode) {
  std::vector<Root>& roots = plan_.journal.roots;
  for (std::uint32_t i = 0; i < roots.size(); ++i) {
    if (roots[i].path == path && roots[i].inode == inode) return i;
  }
  roots.push_back({path, inode});
  return static_cast<std::uint32_t>(roots.size() - 1);
}

void LayerPlanner::add(const Judge& judge, Purpose purpose, Source source) {
  layer_fd_ = open_real_directory(layer_.directory.upper);
  open_host();
  keeps_modes_ = judge.keeps_modes;
  std::map<std::uint32_t, Cleaned> cleaned;
  {
    PassableScope passable(layer_fd_.get());
    const Judge without_commits = judge_without_commits(judge, kChangedOnHost);
    tree_ = read_change_tree(layer_, host_fd_ ? host_fd_.get() : -1, passable,
                             is_another_directory_ ? without_commits : judge, purpose);
    decide();
    cleaned = clean_taken(passable);
  }
  if (!taken_.empty()) place_taken(cleaned, source);
  if (operations_.empty()) return;
  if (!host_fd_) make_target();
  operations_.append_to(plan_.journal);
  plan_.journal.targets.push_back(target_.path);
}

std::map<std::uint32_t, Cleaned> LayerPlanner::clean_taken(PassableScope& passable) {
  Cleaner cleaner(layer_fd_.get());
  std::map<std::uint32_t, Cleaned> cleaned;
  for (const std::uint32_t index : taken_) {
    const Node& node = tree_.nodes[index];
    if (node.change.kind == ChangeKind::removed) continue;
    Inspection& inspection = tree_.inspections[index];
    if (inspection.entries == 0) inspection = inspect(node.change.path, passable, {});
    const Cleaner::Host host{handed_group(node.parent).has_value(),
                             node.host.exists ? node.host.mode : 0, keeps_modes_};
    cleaned[index] = cleaner.clean(node.change.path, inspection, host);
  }
  cleaner.separate_shared_files();
  for (const Stripped& what : cleaner.stripped()) plan_.stripped.push_back({target_.path, what});
  plan_.summary.stripped += cleaner.stripped_count();
  return cleaned;
}

void LayerPlanner::place_taken(const std::map<std::uint32_t, Cleaned>& cleaned, Source source) {
  store_ =
      open_store(run_directory_, run_fd_, layer_fd_.get(), existing_, existing_fd_.get(), source);
  plan_.is_staged = plan_.is_staged || store_.is_staged;
  struct stat status {};
  check_sys(::fstat(store_.fd.get(), &status), "looking at " + store_.path);
  store_root_ = add_root(store_.path, status.st_ino);
  check_sys(::fstat(layer_fd_.get(), &status), "looking at a layer");
  layer_root_ = add_root(layer_.directory.upper, status.st_ino);
  stored_ = plan_.journal.operations.size();  // each operation stores one entry at most
  // A scope of its own: what is copied or moved has its true mode here, only what lies above it
  // has been opened.
  PassableScope passable(layer_fd_.get());
  for (const std::uint32_t index : taken_) {
    const Node& node = tree_.nodes[index];
    if (node.change.kind == ChangeKind::removed) {
      remove(node);
    } else {
      passable.open_with_parents(tree_.nodes[node.parent].change.path);
      place(node, cleaned.at(index));
    }
  }
  if (!store_.is_staged) open_layer_directories(passable);
}

/// What is to be moved is only noted (taken_): it must be cleaned first.
void LayerPlanner::decide() {
  const std::vector<bool> covered = covered_nodes(tree_);
  commits_below_.assign(tree_.nodes.size(), false);
  for (std::size_t i = tree_.nodes.size(); i-- > 1;) {
    const bool commits = !covered[i] && tree_.nodes[i].fate == Fate::commit &&
                         tree_.nodes[i].change.kind != ChangeKind::removed;
    if (commits || commits_below_[i]) commits_below_[tree_.nodes[i].parent] = true;
  }
  if (host_fd_) {
    struct stat status {};
    check_sys(::fstat(host_fd_.get(), &status), "looking at " + target_.path);
    target_root_ = add_root(target_.path, status.st_ino);
  } else {
    target_root_ = add_root(target_.path, 0);
  }
  for (std::uint32_t i = 0; i < tree_.nodes.size(); ++i) {
    if (!covered[i]) decide_node(i);
  }
}

void LayerPlanner::decide_node(std::uint32_t index) {
  const Node& node = tree_.nodes[index];
  const bool is_on_host = node.host.exists && S_ISDIR(node.host.mode);
  switch (node.fate) {
    case Fate::none:
      return;
    case Fate::drop:
      if (is_cache_) ++plan_.summary.dropped;
      return;
    case Fate::strip:
      return strip(node);
    case Fate::hold:
    case Fate::protect:
      return hold(node, node.fate == Fate::hold ? Verdict::hold : Verdict::protect,
                  node.judgement.reason);
    case Fate::commit:
      if (node.entries == Entries::merged) return decide_mode(node);
      taken_.push_back(index);
      return;
    case Fate::split:
      if (is_on_host) return decide_mode(node);
      if (node.judgement.verdict != Verdict::commit && !commits_below_[index]) return;
      operations_.make_directory(on_target(node), S_IRWXU);
      operations_.set_mode(on_target(node), 0, S_IRWXU,
                           node.change.mode & 07777U &
                               (~unwanted_bits() | (handed_group(node.parent) ? S_ISGID : 0U)));
      open_parent(node);
      count(node, 1, 0);
      return;
  }
}

/// A directory that stays, and of which only the mode changes.
void LayerPlanner::decide_mode(const Node& node) {
  if (node.change.mode == (node.host.mode & 07777U)) return;
  if (node.judgement.verdict == Verdict::drop) return;
  if (node.judgement.verdict == Verdict::strip) return strip(node);
  if (node.judgement.verdict != Verdict::commit) {
    Node only_mode = node;
    only_mode.change.kind = ChangeKind::changed;
    return hold(only_mode, node.judgement.verdict, node.judgement.reason);
  }
  // A bit of these that the host's directory doesn't have is never new here.
  const std::uint32_t allowed = 07777U & (~unwanted_bits() | node.host.mode);
  operations_.set_mode(on_target(node), node.host.inode, node.host.mode & 07777U,
                       node.change.mode & allowed);
  Node only_mode = node;
  only_mode.change.kind = ChangeKind::changed;
  undoable(only_mode);
  count(node, 1, 0);
}

void LayerPlanner::place(const Node& node, const Cleaned& cleaned) {
  if (cleaned.gone) return;
  if (!cleaned.refusal.empty()) return hold(node, Verdict::hold, cleaned.refusal);
  const PlacedSource source = source_of(node);
  const Place to = on_target(node);
  open_parent(node);
  if (is_directory(node)) operations_.open_for_change(source.place, to, source.inode, source.mode);
  if (!node.host.exists) {
    operations_.move(source.place, to, source.inode, 0);
  } else {
    if (S_ISDIR(node.host.mode)) {
      operations_.open_for_removal(to, node.host.inode, node.host.mode & 07777U);
    }
    if (store_.can_exchange) {
      operations_.exchange(source.place, to, source.inode, node.host.inode, node.host.mtime);
    } else {
      operations_.move(to, {store_root_, free_name()}, node.host.inode, node.host.mtime);
      operations_.move(source.place, to, source.inode, 0);
    }
  }
  if (is_directory(node) && !store_.is_staged) {
    operations_.clear_marks(to, source.inode, node.opaque);
  }
  undoable(node);
  count(node, cleaned.entries, cleaned.packages);
}

void LayerPlanner::remove(const Node& node) {
  open_parent(node);
  if (S_ISDIR(node.host.mode)) {
    operations_.open_for_removal(on_target(node), node.host.inode, node.host.mode & 07777U);
  }
  operations_.move(on_target(node), {store_root_, free_name()}, node.host.inode, node.host.mtime);
  undoable(node);
  count(node, 1, 0);
}

/// The directory on the host that an entry goes into or out of must be writable for its owner.
void LayerPlanner::open_parent(const Node& node) {
  const Node& parent = tree_.nodes[node.parent];
  if (!parent.host.exists) return;  // made by this commit
  operations_.open_for_change(on_target(parent), on_target(parent), parent.host.inode,
                              parent.host.mode & 07777U);
}

/// Where the entry is renamed from: the layer itself, or a copy in the store.
LayerPlanner::PlacedSource LayerPlanner::source_of(const Node& node) {
  const Located at = locate(layer_fd_.get(), node.change.path);
  PlacedSource source;
  source.place = {layer_root_, node.change.path};
  struct stat status {};
  if (store_.is_staged) {
    source.place = {store_root_, free_name()};
    copy_entry(at.directory.get(), at.name, store_.fd.get(), source.place.path);
    check_sys(::fstatat(store_.fd.get(), source.place.path.c_str(), &status, AT_SYMLINK_NOFOLLOW),
              "looking at a copy");
  } else {
    check_sys(::fstatat(at.directory.get(), at.name.c_str(), &status, AT_SYMLINK_NOFOLLOW),
              "looking at a change");
  }
  own_as_bare(node, status, source.place);
  if (S_ISREG(status.st_mode)) sync_content(source.place, node.change.size);
  source.inode = status.st_ino;
  source.mode = status.st_mode & 07777U;
  return source;
}

/// What the command has as its own copy belongs to whom it would have without the sandbox.
void LayerPlanner::own_as_bare(const Node& node, const struct stat& status, const Place& source) {
  const int root = store_.is_staged ? store_.fd.get() : layer_fd_.get();
  const bool is_file = S_ISREG(status.st_mode) && S_ISREG(node.host.mode);
  if (::geteuid() == 0 && is_file && node.host.uid != status.st_uid) {
    give_owner(root, source.path, node.host.uid, node.host.gid);
  } else if (const auto group = group_for(node); group && *group != ::getegid()) {
    give_group(root, source.path, *group);
  }
}

/// Of a directory that hands its group on to what is made in it (setgid).
std::optional<gid_t> LayerPlanner::handed_group(std::uint32_t index) const {
  while (true) {
    const Node& node = tree_.nodes[index];
    if (node.host.exists && S_ISDIR(node.host.mode)) {
      return (node.host.mode & S_ISGID) != 0 ? std::optional<gid_t>(node.host.gid) : std::nullopt;
    }
    if (index == node.parent) return std::nullopt;
    index = node.parent;
  }
}

/// The group that the entry would have if the command had written it on the host: a file is
/// written in place, a directory is made anew. nullopt: the caller's.
std::optional<gid_t> LayerPlanner::group_for(const Node& node) const {
  if (node.host.exists && S_ISREG(node.host.mode)) return node.host.gid;
  return handed_group(node.parent);
}

void LayerPlanner::sync_content(const Place& source, std::uint64_t size) {
  if (is_cache_ || size == 0 || synced_ >= kMaxSyncedFiles) return;
  const int root = source.root == store_root_ ? store_.fd.get() : layer_fd_.get();
  const Located at = locate(root, source.path);
  const UniqueFd file(::openat(at.directory.get(), at.name.c_str(),
                               O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return;  // its owner can't read it: nobody waits for it
  check_sys(::fsync(file.get()), "syncing " + source.path);
  ++synced_;
}

/// The target doesn't exist: it and the directories above it are made.
void LayerPlanner::make_target() {
  if (!operations_.moves_anything()) return;
  struct stat status {};
  check_sys(::fstat(existing_fd_.get(), &status), "looking at " + existing_);
  const std::uint32_t root = add_root(existing_, status.st_ino);
  std::string path;
  for (std::string_view rest = std::string_view(target_.path).substr(existing_.size());
       !rest.empty();) {
    while (!rest.empty() && rest.front() == '/') rest.remove_prefix(1);
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    if (slash == 0) break;
    path = child_path(path, rest.substr(0, slash));
    rest.remove_prefix(slash);
    Operation operation;
    operation.kind = OperationKind::make_directory;
    operation.to = {root, path};
    operation.new_mode = 0777;  // and the caller's umask
    plan_.journal.operations.push_back(std::move(operation));
  }
}

/// Layer directories that were opened to be read must be open again when entries leave them.
void LayerPlanner::open_layer_directories(const PassableScope& passable) {
  for (const PassableScope::Locked& locked : passable.locked()) {
    const Located at = locate(layer_fd_.get(), locked.path);
    struct stat status {};
    if (!stat_entry(at.directory.get(), at.name.c_str(), status)) continue;
    const Place here{layer_root_, locked.path};
    operations_.open_for_change(here, here, status.st_ino, locked.mode);
  }
}

void LayerPlanner::strip(const Node& node) {
  const std::string& reason = node.judgement.reason;
  plan_.stripped.push_back(
      {target_.path,
       {node.change.path, "all of it, by a rule" + (reason.empty() ? "" : " (" + reason + ")")}});
  ++plan_.summary.stripped;
}

void LayerPlanner::hold(const Node& node, Verdict verdict, const std::string& reason) {
  if (is_cache_) return;
  const HeldChange held = make_held(target_.path, node.change, verdict, reason);
  plan_.journal.held_when_done.push_back(held);
  plan_.journal.held_when_undone.push_back(held);
}

/// A person can commit it later if this commit is undone.
void LayerPlanner::undoable(const Node& node) {
  if (is_cache_) return;
  plan_.journal.held_when_undone.push_back(
      make_held(target_.path, node.change, Verdict::hold, "the commit was undone"));
}

void LayerPlanner::count(const Node& node, std::uint64_t entries, std::uint64_t packages) {
  if (is_cache_) return;
  CommitSummary& summary = plan_.summary;
  summary.committed_entries += entries;
  summary.committed_packages += packages;
  const std::string& path = node.change.path;
  if (node.change.kind != ChangeKind::removed) {
    if (std::string package = package_of(path); !package.empty()) {
      plan_.packages.insert(target_.path + "/" + package);
    }
  }
  if (node.judgement.was_protected) {
    if (++summary.asked_for_count <= kMaxRoots) summary.asked_for.emplace_back(target_.path, path);
  }
  const std::string top = told_root(target_, path);
  std::vector<std::string>& roots = summary.committed_roots;
  if (roots.size() < kMaxRoots && std::find(roots.begin(), roots.end(), top) == roots.end()) {
    roots.push_back(top);
  }
}

}  // namespace sandbox_run::workspace
