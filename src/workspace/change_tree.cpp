#include "workspace/change_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/path.h"
#include "base/sys_error.h"
#include "workspace/content.h"
#include "workspace/entry_check.h"
#include "workspace/host_view.h"
#include "workspace/overlay_marks.h"
#include "workspace/tree.h"
#include "workspace/verify.h"

namespace sandbox_run::workspace {
namespace {

using base::UniqueFd;
using policy::Verdict;

/// Some 300 bytes each. Whole directories that the rules judge as one count once.
constexpr std::size_t kMaxNodes = 2'000'000;
constexpr const char* kUnreadable = "can't be read on the host";
constexpr const char* kMountPoint = "another file system is mounted there";
constexpr const char* kClosed = "belongs to another owner, who keeps it to himself: see chown(1)";

class Reader {
 public:
  Reader(const LayerRecord& layer, int host_fd, PassableScope& passable, const Judge& judge,
         Purpose purpose)
      : target_(layer.directory.target),
        is_cache_(target_.kind == policy::TargetKind::cache),
        host_(host_fd, layer),
        has_host_(host_fd >= 0),
        passable_(passable),
        layer_root_(passable.open_directory("")),
        check_(layer.directory.target, layer_root_.get(), host_fd, judge.known),
        judge_(judge),
        purpose_(purpose) {}

  ChangeTree read() {
    add_root();
    for (std::uint32_t i = 0; i < tree_.nodes.size(); ++i) {
      if (tree_.nodes[i].entries != Entries::unread) read_directory(i);
    }
    settle_fates(tree_);
    return std::move(tree_);
  }

 private:
  /// What is known of the directory being read.
  struct Place {
    std::uint32_t index;
    std::string path;
    int layer_dir;
    int host_dir;  // -1: none
    bool is_opaque;
  };

  void add_root();
  void read_directory(std::uint32_t index);
  void add_entry(const Place& place, const char* name);
  void add_directory(const Place& place, Node node);
  bool is_left_hidden(const Place& place, const Node& node, int fd);
  void add_file(const Place& place, Node node, const char* name, const struct stat& status);
  void add_removal(Node node);
  bool judge_whole(Node& node);
  void check_host(Node& node);
  void check_host_tree(Node& node, bool is_own_output = false);
  void check_content(const Place& place, Node& node, const char* name);
  void judge_content(const Place& place, Node& node, const char* name);
  void check_verified(const Place& place, Node& node, const char* name);
  void hold(Node& node, const char* reason);
  void push(Node node);

  const Target& target_;
  const bool is_cache_;
  const HostView host_;
  const bool has_host_;
  PassableScope& passable_;
  const UniqueFd layer_root_;
  const EntryCheck check_;
  const Judge& judge_;
  const Purpose purpose_;
  ChangeTree tree_;
  std::optional<Inspection> inspection_;  // of the directory that is pushed next
  std::vector<char> buffer_;              // of the directory being read
  std::vector<char> inner_buffer_;        // of one within it
  Verifier verifier_;
};

void Reader::push(Node node) {
  if (tree_.nodes.size() >= kMaxNodes) {
    throw base::UserError("the command made more changes than can be judged one by one (" +
                          std::to_string(kMaxNodes) + ")");
  }
  keep_back(judge_, is_cache_, node);
  if (node.depth >= kMaxDepth && node.entries != Entries::unread) {
    node.entries = Entries::unread;
    node.is_change = true;
    node.change.kind = node.host.exists ? ChangeKind::replaced : ChangeKind::added;
    node.judgement = {is_cache_ ? Verdict::drop : Verdict::hold, "nested too deeply"};
  }
  if (node.is_change && keeps_us_out(tree_, node))
    hold(node, kClosed);  // also what the host has not yet
  if (inspection_) {
    tree_.inspections[static_cast<std::uint32_t>(tree_.nodes.size())] =
        *std::exchange(inspection_, std::nullopt);
  }
  tree_.nodes.push_back(std::move(node));
}

void Reader::hold(Node& node, const char* reason) {
  if (purpose_ == Purpose::list || node.judgement.verdict != Verdict::commit) return;
  node.judgement = {Verdict::hold, reason};
}

void Reader::add_root() {
  Node node;
  const UniqueFd layer = passable_.open_directory("");
  struct stat status {};
  base::check_sys(::fstat(layer.get(), &status), "looking at a layer");
  for (const PassableScope::Locked& locked : passable_.locked()) {
    if (locked.path.empty()) status.st_mode = S_IFDIR | locked.mode;
  }
  if (has_host_) node.host = host_.look(host_.directory("").get(), ".");
  node.change.kind = ChangeKind::changed;
  node.change.type = 'd';
  node.change.mode = status.st_mode & 07777U;
  node.is_change = node.host.exists && node.change.mode != (node.host.mode & 07777U);
  node.entries = Entries::merged;
  node.is_created = is_new_place(judge_, "");  // it is there: it was made for the run
  if (node.is_change) {
    judge_by_path(tree_, judge_, node);
    if (purpose_ == Purpose::first_commit) check_host(node);
  }
  push(std::move(node));
}

void Reader::read_directory(std::uint32_t index) {
  const std::string path = tree_.nodes[index].change.path;
  const UniqueFd layer_dir = passable_.open_directory(path);
  UniqueFd host_dir;
  if (S_ISDIR(tree_.nodes[index].host.mode) && tree_.nodes[index].host.exists) {
    host_dir = host_.directory(path);
    if (!host_dir) {
      Node& node = tree_.nodes[index];
      node.is_change = true;
      node.change.kind = ChangeKind::replaced;
      node.entries = Entries::unread;
      judge_by_path(tree_, judge_, node);
      hold(node, kUnreadable);
      return;
    }
  }
  const bool is_opaque = tree_.nodes[index].entries == Entries::expanded;
  const Place place{index, path, layer_dir.get(), host_dir ? host_dir.get() : -1, is_opaque};
  std::unordered_set<std::string> names;
  for_each_entry(layer_dir.get(), buffer_, [&](const char* name, unsigned char) {
    if (is_opaque && host_dir) names.emplace(name);
    add_entry(place, name);
  });
  if (!is_opaque || !host_dir) return;
  std::vector<std::string> gone;
  for_each_entry(host_dir.get(), buffer_, [&](const char* name, unsigned char) {
    if (!names.contains(name)) gone.emplace_back(name);
  });
  for (const std::string& name : gone) {
    Node node;
    node.parent = index;
    node.depth = tree_.nodes[index].depth + 1;
    node.change.path = child_path(path, name);
    node.host = host_.look(host_dir.get(), name.c_str());
    if (node.host.exists) add_removal(std::move(node));
  }
}

void Reader::add_entry(const Place& place, const char* name) {
  struct stat status {};
  if (!stat_entry(place.layer_dir, name, status)) return;
  Node node;
  node.parent = place.index;
  node.depth = tree_.nodes[place.index].depth + 1;
  node.change.path = child_path(place.path, name);
  node.host = host_.look(place.host_dir, name);
  if (is_whiteout(status)) {
    if (node.host.exists) add_removal(std::move(node));
    return;
  }
  node.change.type = type_letter(status.st_mode);
  node.change.mode = status.st_mode & 07777U;
  node.change.size = static_cast<std::uint64_t>(status.st_size);
  if (S_ISDIR(status.st_mode)) return add_directory(place, std::move(node));
  add_file(place, std::move(node), name, status);
}

/// True if the rules give one answer for all beneath.
bool Reader::judge_whole(Node& node) {
  std::optional<policy::Judgement> whole = judge_.subtree(node.change.path);
  if (makes_directories(judge_) && !node.host.exists) {
    judge_by_path(tree_, judge_, node);
    whole = node.is_created ? std::optional(node.judgement) : std::nullopt;
  }
  node.one_by_one = tree_.nodes[node.parent].one_by_one;
  if (!node.one_by_one && whole && whole->verdict != Verdict::verify &&
      whole->verdict != Verdict::path_file && whole->verdict != Verdict::manifest &&
      whole->verdict != Verdict::own) {
    if (whole->verdict == Verdict::commit && purpose_ == Purpose::first_commit) {
      inspection_ = inspect(node.change.path, passable_, check_.objects());
      node.one_by_one = inspection_->is_objectionable;
      if (node.one_by_one) inspection_.reset();
    }
    if (!node.one_by_one) {
      node.judgement = *whole;
      return true;
    }
  }
  judge_by_path(tree_, judge_, node);
  if (node.judgement.verdict == Verdict::verify) {
    node.judgement.verdict = Verdict::drop;
    node.is_neutral = true;
  }
  if (judge_.objection && node.judgement.verdict == Verdict::commit) node.is_neutral = true;
  // What is in it says whether it is one of a tool that writes hooks.
  if (node.judgement.verdict == Verdict::protect && policy::may_hold_hooks(node.change.path)) {
    node.is_neutral = true;
  }
  return false;
}

/// Hidden from the command (make_layers()), which put nothing in its place: it did not empty it
/// either, whatever it was that it did.
bool Reader::is_left_hidden(const Place& place, const Node& node, int fd) {
  const auto& hidden = target_.hidden;
  if (!place.path.empty() ||
      std::find(hidden.begin(), hidden.end(), node.change.path) == hidden.end()) {
    return false;
  }
  bool is_empty = true;
  for_each_entry(fd, inner_buffer_, [&](const char*, unsigned char) { is_empty = false; });
  return is_empty;
}

void Reader::add_directory(const Place& place, Node node) {
  const bool host_is_directory = node.host.exists && S_ISDIR(node.host.mode);
  Marks marks;
  // In a directory that is all the layer's own no entry has marks that mean anything.
  if (!place.is_opaque || place.host_dir >= 0) {
    const UniqueFd directory = passable_.open_directory(node.change.path);
    marks = read_marks(directory.get());
    if (marks.opaque && is_left_hidden(place, node, directory.get())) return;
  }
  node.opaque = marks.opaque;
  const bool replaces = !is_cache_ && (marks.opaque || place.is_opaque);
  if (host_is_directory && !replaces) {
    node.change.kind = ChangeKind::changed;
    node.is_change = node.change.mode != (node.host.mode & 07777U);
    node.entries = Entries::merged;
    const std::optional<policy::Judgement> whole = judge_.subtree(node.change.path);
    if (is_cache_ && whole && whole->verdict == Verdict::drop) node.entries = Entries::unread;
    judge_by_path(tree_, judge_, node);
    if (purpose_ == Purpose::first_commit) check_host(node);
    if (node.is_change || node.entries != Entries::unread) push(std::move(node));
    return;
  }
  node.change.kind = node.host.exists ? ChangeKind::replaced : ChangeKind::added;
  // It was there when the sandbox changed something in it, as a directory.
  const bool host_lost_it =
      !marks.opaque && !place.is_opaque && (node.host.exists || marks.copied_up);
  if (judge_whole(node)) {
    if (node.host.exists) check_host_tree(node);
  } else {
    node.entries = Entries::expanded;
    if (node.host.exists && !host_is_directory) check_host(node);
    if (host_is_directory) {
      node.is_change = marks.opaque || node.change.mode != (node.host.mode & 07777U);
    }
  }
  if (host_lost_it) {
    node.entries = Entries::unread;
    hold(node, kChangedOnHost);
  }
  push(std::move(node));
}

void Reader::add_file(const Place& place, Node node, const char* name, const struct stat& status) {
  const bool same_type = node.host.exists && type_letter(node.host.mode) == node.change.type;
  if (same_type && node.host.size == node.change.size &&
      (S_ISLNK(status.st_mode) || (node.host.mode & 07777U) == node.change.mode) &&
      is_identical(place.layer_dir, place.host_dir, name, status)) {
    return;  // copied up, and left as it was
  }
  node.change.kind = same_type          ? ChangeKind::changed
                     : node.host.exists ? ChangeKind::replaced
                                        : ChangeKind::added;
  judge_by_path(tree_, judge_, node);
  check_content(place, node, name);
  if (node.host.exists) check_host_tree(node);
  push(std::move(node));
}

/// What the rules can't tell by the path.
void Reader::check_content(const Place& place, Node& node, const char* name) {
  if (!node.judgement.unless_recorded.empty() &&
      !check_.is_recorded(place.layer_dir, place.path, name) &&
      !check_.is_path_into_project(place.layer_dir, place.path, name)) {
    node.judgement = {Verdict::protect, node.judgement.unless_recorded};
    return;
  }
  if (node.judgement.verdict == Verdict::verify) return check_verified(place, node, name);
  if (node.judgement.verdict == Verdict::path_file) {
    node.judgement = check_.path_file(place.layer_dir, place.path, name, node.judgement);
  }
  if (node.judgement.verdict == Verdict::manifest) {
    node.judgement = check_.manifest(place.layer_dir, place.host_dir, name, node.judgement);
  }
  if (purpose_ == Purpose::first_commit)
    object_by_time(judge_, node, change_time(place.layer_dir, name));
  judge_content(place, node, name);
  // Later a person has seen what it is.
  if (purpose_ != Purpose::first_commit || node.judgement.verdict != Verdict::commit) return;
  if (auto objection = check_.objection(place.layer_dir, name, place.path, node.change.type)) {
    node.judgement = std::move(*objection);
  }
}

void Reader::judge_content(const Place& place, Node& node, const char* name) {
  if (purpose_ != Purpose::first_commit || !judge_.content || node.change.type != 'f' ||
      !policy::depends_on_content(node.judgement)) {
    return;
  }
  const std::int64_t changed_at = change_time(place.layer_dir, name);
  const std::string& own = node.change.path;
  const std::string path = target_.known_as.empty() ? own : child_path(target_.known_as, own);
  policy::Finding finding = look_at_content(
      {target_.path, host_.root(), path, place.layer_dir, place.host_dir, name, node.change.mode,
       node.host.exists ? node.host.mode : 0, &judge_.known.own_packages});
  finding.where = base::join_path(target_.path, own);
  node.judgement = judge_.content(own, std::move(node.judgement), finding, changed_at);
}

void Reader::check_verified(const Place& place, Node& node, const char* name) {
  const bool fits = node.change.type == 'f' && !node.host.exists &&
                    verifier_.fits(place.layer_dir, name, node.change.path, node.change.size);
  node.judgement.verdict = fits ? Verdict::commit : Verdict::drop;
}

void Reader::add_removal(Node node) {
  node.change.kind = ChangeKind::removed;
  node.change.type = type_letter(node.host.mode);
  node.change.mode = node.host.mode & 07777U;
  node.change.size = node.host.size;
  judge_by_path(tree_, judge_, node);
  if (is_cache_) node.judgement.verdict = Verdict::drop;  // caches only grow
  bool is_own_output = false;
  node.judgement = policy::settle_removal(node.change.path, std::move(node.judgement), [&] {
    return is_own_output = purpose_ == Purpose::first_commit &&
                           removes_output(judge_, host_.root(), node.change.path);
  });
  if (purpose_ == Purpose::first_commit) object_by_time(judge_, node, kNoTime);
  check_host_tree(node, is_own_output);
  push(std::move(node));
}

void Reader::check_host(Node& node) {
  if (node.host.is_mount_point) return hold(node, kMountPoint);
  if (keeps_us_out(tree_, node)) return hold(node, kClosed);
  if (host_.has_changed(node.host)) hold(node, kChangedOnHost);
}

/// Before an entry of the host goes: nothing in it may have changed meanwhile, and what the rules
/// say of each thing in it counts.
void Reader::check_host_tree(Node& node, bool is_own_output) {
  check_host(node);
  const Verdict verdict = node.judgement.verdict;
  if (!S_ISDIR(node.host.mode) || purpose_ == Purpose::list) return;
  if (verdict == Verdict::drop || verdict == Verdict::strip || verdict == Verdict::protect) return;
  const HostView::TreeFacts facts = host_.examine(node.change.path, judge_);
  if (facts.has_changed) hold(node, kChangedOnHost);
  if (facts.is_unreadable) hold(node, kUnreadable);
  if (facts.is_closed) hold(node, kClosed);
  const bool is_held =
      facts.strictest.verdict == Verdict::hold && !(facts.strictest.by_default && is_own_output);
  if (facts.strictest.verdict == Verdict::protect || (is_held && verdict == Verdict::commit)) {
    node.judgement = facts.strictest;
  }
}

}  // namespace

ChangeTree read_change_tree(const LayerRecord& layer, int host_fd, PassableScope& passable,
                            const Judge& judge, Purpose purpose) {
  return Reader(layer, host_fd, passable, judge, purpose).read();
}

}  // namespace sandbox_run::workspace
