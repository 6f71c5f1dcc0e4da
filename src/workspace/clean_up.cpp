// What is left of a run when its commit is over.

#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/path.h"
#include "base/sys_error.h"
#include "workspace/held_list.h"
#include "workspace/removal.h"
#include "workspace/transaction.h"

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

void clean_up_run(int run_fd, const StepHook& hook) {
  hook("cleaning up");
  remove_stores(run_fd);
  hook("stores removed");
  const std::vector<HeldChange> held = load_held(run_fd);
  if (has_layers(run_fd)) {
    for (const LayerRecord& layer : load_layers(run_fd)) {
      const std::string directory = base::parent_path(layer.directory.upper);
      if (!base::exists(directory)) continue;
      const base::UniqueFd layer_fd = open_real_directory(directory);
      remove_entry(layer_fd.get(), base::file_name(layer.directory.work));
      const Keep keep(held, layer.directory.target.path);
      if (keep.any()) {
        prune(open_real_directory(layer.directory.upper).get(), keep);
        continue;
      }
      hook("removing a layer");
      const base::UniqueFd layers = open_real_directory(base::parent_path(directory));
      remove_entry(layers.get(), base::file_name(directory));
    }
  }
  hook("layers removed");
  if (!held.empty()) return;
  for (const char* name : {"layers", "layers.list", "touched", "held"}) remove_entry(run_fd, name);
}

}  // namespace sandbox_run::workspace
