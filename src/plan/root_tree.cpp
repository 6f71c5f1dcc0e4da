// The sandbox's root file system, as a list of mount steps.
//
// Must:     show system directories read-only; of $HOME only toolchains, sanitised configuration,
// caches
//           and targets; of /etc only what the policy names and anybody may read.
// Must not: look at the host: everything comes from HostFacts.

#include "plan/root_tree.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/path.h"
#include "plan/kernel_trees.h"
#include "plan/shown_trees.h"
#include "policy/environment.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;

constexpr const char* kHosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

class RootPlanner {
 public:
  RootPlanner(const policy::Policy& policy, const HostFacts& facts,
              const std::vector<Layer>& layers, Purpose purpose)
      : policy_(policy), facts_(facts), layers_(layers), purpose_(purpose) {}

  std::vector<MountStep> plan() {
    add_system();
    add_etc();
    for (MountStep& step : kernel_trees(facts_)) steps_.push_back(std::move(step));
    add_home();
    add_toolchains();
    add_command();
    add_path();
    add_named_files();
    add_linked();
    add_working_directory();
    hide_unix_sockets();
    add_targets();
    keep_own_program();
    if (purpose_ == Purpose::run) add_decoys();
    hide_private_places();
    cover_configuration();
    close_ways();
    flush_by_depth();
    return std::move(steps_);
  }

 private:
  void add_system() {
    for (const HostPath& entry : facts_.system) {
      if (!entry.link.empty()) {
        steps_.emplace_back(SymbolicLink{entry.path, entry.link});
      } else {
        steps_.emplace_back(BindMount{entry.path, entry.path});
        system_.push_back(entry.path);
      }
    }
  }

  void add_etc() {
    for (const HostPath& entry : facts_.etc) {
      if (entry.real.empty() || !entry.public_read) continue;
      // A link into what is shown stays a link (/etc/localtime); any other is shown as what it
      // leads to (/etc/resolv.conf → /run/…).
      if (!entry.link.empty() && shown_by_system(entry.real)) {
        steps_.emplace_back(SymbolicLink{entry.path, entry.link});
      } else {
        steps_.emplace_back(BindMount{entry.real, entry.path});
        shown_.push_back(entry.path);
      }
    }
    steps_.emplace_back(TextFile{"/etc/hosts", kHosts});
  }

  void add_home() {
    later(facts_.home_real, TmpfsMount{facts_.home_real, 0700, 0});
    if (facts_.home != facts_.home_real)
      later(facts_.home, SymbolicLink{facts_.home, facts_.home_real});
    for (const policy::HomeFile& file : policy_.files.home_files) {
      const std::string path = expand(policy::home_file_path(file, facts_.environment), facts_);
      const auto text = facts_.home_files.find(path);
      if (text == facts_.home_files.end()) continue;
      later(path, TextFile{path, policy::without_credentials(file, text->second), 0600});
    }
  }

  /// Shown if PATH or the command leads into it.
  void add_toolchains() {
    for (const ToolchainFact& toolchain : facts_.toolchains) {
      if (!is_used(toolchain, facts_)) continue;
      for (const HostPath& root : toolchain.roots) show(root);
      for (const HostPath& hidden : toolchain.hidden) {
        later(hidden.real, Mask{hidden.real, hidden.directory});
      }
    }
  }

  /// After the command itself: of PREFIX/bin on PATH, its PREFIX must not be cut off.
  void add_path() {
    for (const HostPath& entry : facts_.path_entries) {
      if (!is_shown(entry.real) && !holds_home(facts_, entry.real)) show(entry);
    }
    // Without it a program that is found there can't be run, and the next one of its name is.
    for (const HostPath& library : facts_.path_libraries) show(library);
  }

  /// What the command itself needs and no toolchain row covers.
  void add_command() {
    for (const std::string& path : facts_.command.chain) {
      if (is_shown(path)) continue;
      const std::string tree = tree_of_program(facts_, path);
      show({tree, "", tree, tree != path, true});
    }
    // Where the command's own name is a link in a directory that is not shown.
    if (!facts_.command.path.empty() && !facts_.command.chain.empty() &&
        !is_shown(facts_.command.path) && !is_reached_by_link(facts_.command.path)) {
      later(facts_.command.path, SymbolicLink{facts_.command.path, facts_.command.chain.front()});
    }
  }

  void add_named_files() {
    for (const HostPath& file : facts_.file_variables) {
      if (!file.directory && !file.real.empty() && !is_shown(file.path)) {
        later(file.path, BindMount{file.real, file.path});
      }
    }
    for (const HostPath& path : facts_.read_only) {
      if (!path.real.empty()) later(path.path, BindMount{path.real, path.path});
    }
  }

  /// Dependencies outside the project, the git directory of a linked work tree.
  void add_linked() {
    for (const std::string& path : facts_.linked.shown) {
      const bool is_changed = std::any_of(layers_.begin(), layers_.end(), [&](const Layer& layer) {
        return is_beneath(path, layer.target);
      });
      if (is_changed || is_shown(path)) continue;
      later(path, BindMount{path, path});
      shown_.push_back(path);
    }
    for (const auto& [path, real] : facts_.linked.links) later(path, SymbolicLink{path, real});
  }

  /// The command has to start somewhere, also where nothing is shown.
  void add_working_directory() {
    const std::string& path = facts_.working_directory;
    const bool is_there = path == "/" || path == facts_.home_real || is_shown(path) ||
                          std::any_of(steps_.begin(), steps_.end(), [&](const MountStep& step) {
                            const auto* tmpfs = std::get_if<TmpfsMount>(&step);
                            return tmpfs != nullptr && tmpfs->target == path;
                          });
    if (facts_.working_directory_is_lost && !is_there) later(path, TmpfsMount{path, 0755, 0});
  }

  /// A daemon's socket in a tree that is shown would be a way out (in a target it is not: an
  /// overlay's copy of a socket has nobody listening).
  void hide_unix_sockets() {
    for (const std::string& path : facts_.unix_sockets) {
      if (is_shown(path) && !is_of_project(path)) later(path, Mask{path, false});
    }
  }

  void add_targets() {
    if (purpose_ == Purpose::query) {
      later(facts_.project, BindMount{facts_.project, facts_.project});
      return;
    }
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      later(layers_[i].target, OverlayMount{layers_[i].target, i});
    }
  }

  /// The manager itself and its node lie in the place that it changes: a package's script that
  /// writes there would be the manager for the rest of the run. But if it is that which is to be
  /// installed.
  void keep_own_program() {
    if (!facts_.global || purpose_ != Purpose::run) return;
    const policy::GlobalInstall& global = *facts_.global;
    for (const std::string& path : facts_.command.chain) {
      if (is_beneath(path, global.packages)) {
        const auto package = policy::package_in(path);
        const auto& names = global.names;
        const bool is_meant =
            !package || std::find(names.begin(), names.end(), package->name) != names.end();
        if (!is_meant) later(package->directory, BindMount{package->directory, package->directory});
      } else if (is_beneath(path, global.programs)) {
        later(path, BindMount{path, path});
      }
    }
  }

  /// Where nothing else of the host is shown: what a user shows on purpose stays as it is.
  void add_decoys() {
    for (const policy::DecoyFile& decoy : facts_.decoys.files) {
      const bool taken = std::any_of(by_target_.begin(), by_target_.end(), [&](const auto& entry) {
        const std::string& other = entry.first.second;
        return is_beneath(other, decoy.path) ||
               (is_beneath(decoy.path, other) && !is_beneath(facts_.home_real, other));
      });
      const bool in_target = std::any_of(layers_.begin(), layers_.end(), [&](const Layer& layer) {
        return is_beneath(decoy.path, layer.target);
      });
      if (!taken && !in_target) later(decoy.path, DecoyFile{decoy.path, decoy.content});
    }
  }

  /// What others may not read, wherever it can be seen.
  void hide_private_places() {
    for (const PrivatePlace& place : facts_.private_places) {
      const bool in_target = std::any_of(layers_.begin(), layers_.end(), [&](const Layer& layer) {
        return is_beneath(place.real, layer.target);
      });
      if ((in_target && !place.of_neighbour) || is_named(place.real)) continue;
      for (const std::string& view : views_of(place.real)) {
        if (by_target_.count(key_of(view)) != 0) continue;  // a cache, say
        // What is mounted below it needs a place to be mounted at.
        const bool holds_more =
            std::any_of(by_target_.begin(), by_target_.end(),
                        [&](const auto& entry) { return is_beneath(entry.first.second, view); });
        if (holds_more) {
          later(view, TmpfsMount{view, 0755, 0});
        } else {
          later(view, Mask{view, place.directory});
        }
      }
    }
  }

  void cover_configuration() {
    for (const ConfigurationFile& file : facts_.configuration) {
      if (is_named(file.real)) continue;
      const std::string copy =
          file.text ? policy::without_credentials(file.rules, *file.text) : std::string();
      if (file.text && *file.text == copy) continue;
      for (const std::string& view : views_of(file.real)) {
        if (file.directory) {
          later(view, Mask{view, true});
        } else if (!is_ours(view)) {
          later(view, FileCopy{view, copy});
        }
      }
    }
  }

  void close_ways() {
    std::vector<std::string> projects = facts_.more_projects;
    projects.push_back(facts_.project);
    for (const auto* linked : {&facts_.linked.written, &facts_.linked.shown}) {
      projects.insert(projects.end(), linked->begin(), linked->end());
    }
    for (const std::string& project : projects) {
      for (const std::string& way : ways_to(project, facts_.home_real)) {
        const bool is_there =
            std::any_of(by_target_.begin(), by_target_.end(), [&](const auto& entry) {
              const std::string& other = entry.first.second;
              return other != facts_.home_real && is_beneath(way, other) &&
                     !std::holds_alternative<WayDirectory>(entry.second);
            });
        if (!is_there) later(way, WayDirectory{way});
      }
    }
  }

  // ── helpers ──

  /// Where what is really at `real` can be seen.
  std::vector<std::string> views_of(const std::string& real) const {
    std::vector<std::string> views;
    const auto look_at = [&](const MountStep& step) {
      std::string source;
      std::string target;
      if (const auto* bind = std::get_if<BindMount>(&step); bind != nullptr && !bind->device) {
        source = bind->source;
        target = bind->target;
      } else if (const auto* overlay = std::get_if<OverlayMount>(&step)) {
        source = target = overlay->target;
      }
      if (source.empty() || !is_beneath(real, source)) return;
      const std::string below = base::relative_to(real, source);
      std::string view = below.empty() ? target : base::join_path(target, below);
      if (std::find(views.begin(), views.end(), view) == views.end()) {
        views.push_back(std::move(view));
      }
    };
    for (const MountStep& step : steps_) look_at(step);
    for (const auto& [key, step] : by_target_) look_at(step);
    return views;
  }
  /// A file of our own making, not in a tree of the host.
  bool is_ours(const std::string& path) const {
    const auto found = by_target_.find(key_of(path));
    return found != by_target_.end() && !std::holds_alternative<BindMount>(found->second) &&
           !std::holds_alternative<Mask>(found->second) && !lies_in_shown_tree(path);
  }
  /// What a user shows on purpose stays as it is.
  bool is_named(const std::string& real) const {
    const auto holds = [&](const std::string& path) { return is_beneath(real, path); };
    const auto is_it = [&](const HostPath& path) { return holds(path.real); };
    return std::any_of(facts_.read_only.begin(), facts_.read_only.end(), is_it) ||
           std::any_of(facts_.file_variables.begin(), facts_.file_variables.end(), is_it) ||
           std::any_of(policy_.files.read_write.begin(), policy_.files.read_write.end(), holds);
  }
  bool shown_by_system(const std::string& path) const {
    return std::any_of(system_.begin(), system_.end(),
                       [&](const std::string& root) { return is_beneath(path, root); });
  }
  bool is_of_project(const std::string& path) const {
    const auto holds = [&](const std::string& root) { return is_beneath(path, root); };
    const auto any = [&](const std::vector<std::string>& roots) {
      return std::any_of(roots.begin(), roots.end(), holds);
    };
    return holds(facts_.project) ||
           (purpose_ == Purpose::run && (any(facts_.more_projects) || any(facts_.linked.written)));
  }
  /// /bin/true, where /bin is a link to /usr/bin.
  bool is_reached_by_link(const std::string& path) const {
    return std::any_of(facts_.system.begin(), facts_.system.end(), [&](const HostPath& entry) {
      return !entry.link.empty() && is_beneath(path, entry.path) && path != entry.path &&
             is_shown(base::join_path(entry.real, base::relative_to(path, entry.path)));
    });
  }
  bool is_shown(const std::string& path) const {
    return shown_by_system(path) || is_of_project(path) ||
           std::any_of(shown_.begin(), shown_.end(),
                       [&](const std::string& root) { return is_beneath(path, root); });
  }
  void show(const HostPath& root) {
    if (root.real.empty() || is_shown(root.path) || holds_home(facts_, root.real)) return;
    if (!is_shown(root.real)) {
      later(root.real, BindMount{root.real, root.real});
      shown_.push_back(root.real);
    }
    if (root.path != root.real) {
      later(root.path, SymbolicLink{root.path, root.real});
      shown_.push_back(root.path);
    }
  }

  void later(const std::string& target, MountStep step) {
    // One step a target; a layer comes last and wins over what only shows the same place.
    by_target_[key_of(target)] = std::move(step);
  }
  static std::pair<std::size_t, std::string> key_of(const std::string& target) {
    return {static_cast<std::size_t>(std::count(target.begin(), target.end(), '/')), target};
  }

  /// Parents before what lies in them.
  void flush_by_depth() {
    for (auto& [key, step] : by_target_) {
      // What is ours to make, but lies in a tree of the host that is shown anyway, is there
      // already.
      const bool made = std::holds_alternative<SymbolicLink>(step) ||
                        std::holds_alternative<TextFile>(step) ||
                        std::holds_alternative<DecoyFile>(step);
      if (made && lies_in_shown_tree(key.second)) continue;
      steps_.emplace_back(std::move(step));
    }
  }
  bool lies_in_shown_tree(const std::string& path) const {
    return std::any_of(
               shown_.begin(), shown_.end(),
               [&](const std::string& root) { return path != root && is_beneath(path, root); }) ||
           shown_by_system(path) || is_of_project(path);
  }

  const policy::Policy& policy_;
  const HostFacts& facts_;
  const std::vector<Layer>& layers_;
  Purpose purpose_;
  std::vector<MountStep> steps_;
  std::vector<std::string> system_;  // bound system directories
  std::vector<std::string> shown_;   // further trees of the host
  std::map<std::pair<std::size_t, std::string>, MountStep> by_target_;
};

}  // namespace

std::vector<MountStep> plan_root(const policy::Policy& policy, const HostFacts& facts,
                                 const std::vector<Layer>& layers, Purpose purpose) {
  return RootPlanner(policy, facts, layers, purpose).plan();
}

}  // namespace sandbox_run::plan
