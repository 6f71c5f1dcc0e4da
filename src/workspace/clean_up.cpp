// What is left of a run when its commit is over.

#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/path.h"
#include "base/sys_error.h"
#include "workspace/held_list.h"
#include "workspace/layer_record.h"
#include "workspace/open_runs.h"
#include "workspace/placement.h"
#include "workspace/removal.h"
#include "workspace/store.h"
#include "workspace/transaction.h"
#include "workspace/tree_walk.h"
#include "workspace/undo.h"

namespace sandbox_run::workspace {
namespace {

/// Which entries of a layer stay.
class Keep {
 public:
  Keep(const std::vector<HeldChange>& held, const std::string& target) {
    for (const HeldChange& entry : held) {
      if (entry.target != target) continue;
      const std::string& path = entry.change.path;
      held_[path] = covers_subtree(entry.change);
      any_ = true;
      for (std::size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0;
           slash = path.rfind('/', slash - 1)) {
        if (!above_.insert(path.substr(0, slash)).second) break;
      }
    }
  }
  bool any() const { return any_; }

  enum class Answer { keep, look_inside, remove };
  Answer ask(const std::string& path, unsigned char type) const {
    const auto found = held_.find(path);
    if (found != held_.end() && (found->second || type != DT_DIR)) return Answer::keep;
    if (found != held_.end() || above_.contains(path)) return Answer::look_inside;
    return Answer::remove;
  }

 private:
  std::map<std::string, bool> held_;
  std::set<std::string> above_;
  bool any_ = false;
};

void prune(int upper_fd, const Keep& keep) {
  PassableScope passable(upper_fd);
  TreeVisitor visitor;
  visitor.entry = [&](int fd, const std::string& dir_path, const char* name, unsigned char type) {
    switch (keep.ask(child_path(dir_path, name), type)) {
      case Keep::Answer::keep:
        return Next::skip;
      case Keep::Answer::look_inside:
        return Next::descend;
      case Keep::Answer::remove:
        remove_entry(fd, name);
        return Next::skip;
    }
    return Next::skip;
  };
  walk_tree("", passable, visitor);
}

}  // namespace

bool is_quick_to_clean(int run_fd) {
  bool is_quick = true;
  std::vector<char> buffer;
  const auto look_into = [&](const base::UniqueFd& directory) {
    if (!directory) return;
    for_each_entry(directory.get(), buffer,
                   [&](const char*, unsigned char type) { is_quick = is_quick && type != DT_DIR; });
  };
  const bool keeps = has_undo(run_fd);
  if (!keeps) look_into(base::UniqueFd(try_open_directory(run_fd, kTrash)));
  if (!has_layers(run_fd)) return is_quick;
  for (const LayerRecord& layer : load_layers(run_fd)) {
    if (!base::exists(layer.directory.upper) || (keeps && !layer.is_cache())) continue;
    // What can't be listed needs more than one call to remove.
    base::UniqueFd upper(
        ::open(layer.directory.upper.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    is_quick = is_quick && upper;
    look_into(upper);
  }
  return is_quick;
}

void clean_up_run(int run_fd, const StepHook& hook) {
  hook("cleaning up");
  const bool keeps = has_undo(run_fd);
  if (keeps) {
    remove_staging(run_fd);
  } else {
    remove_stores(run_fd);
  }
  hook("stores removed");
  const std::vector<HeldChange> held = load_held(run_fd);
  if (has_layers(run_fd)) {
    for (const LayerRecord& layer : load_layers(run_fd)) {
      const std::string directory = base::parent_path(layer.directory.upper);
      if (!base::exists(directory)) continue;
      const base::UniqueFd layer_fd = open_real_directory(directory);
      remove_entry(layer_fd.get(), base::file_name(layer.directory.work));
      if (keeps && !layer.is_cache()) continue;  // old entries have taken the new ones' places
      const Keep keep(held, layer.directory.target.path);
      if (keep.any()) {
        prune(open_real_directory(layer.directory.upper).get(), keep);
        continue;
      }
      hook("removing a layer");
      const base::UniqueFd layers = open_real_directory(base::parent_path(directory));
      remove_entry(layers.get(), base::file_name(directory));
      remove_place(base::parent_path(directory));
    }
  }
  hook("layers removed");
  // Of a run that was killed: the empty lower directory, and a journal that was never begun.
  for (const char* name : {"empty", "journal.new"}) remove_entry(run_fd, name);
  if (!held.empty() || keeps) return;
  for (const char* name : {"layers", "layers.list", "touched", "held"}) remove_entry(run_fd, name);
}

void discard_layers(const std::string& run_directory) {
  // Without a mark: on a full disk it could not be made.
  const RunDirectory run = open_run(run_directory);
  clean_up_run(run.fd.get(), [](const char*) {});
  note_over(run.fd.get());
}

}  // namespace sandbox_run::workspace
