#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "events/actor.h"
#include "events/event_sink.h"
#include "watch/dependency_graph.h"

namespace sandbox_run::watch {

/// A sink on the way to another: adds to a package's script.started, and to its alerts, why the
/// package is here: details.dependency_path, ["app", "qr-tools", "easy-qr-gen"].
///
/// From the project's lockfile as it is on the host, where no script of this run has written; for
/// an alert also from what the sandbox shows (a first install has no lockfile yet): there a package
/// could lie about who asked for it. Read when first needed, bounded, no link followed, no waiting.
/// Destroy it before the run's layers are looked at: it holds the project's directory inside.
class DependencyNotes : public events::EventSink {
 public:
  /// `project`: its directory, the same inside and outside. `next` outlives it.
  DependencyNotes(std::string project, events::EventSink& next)
      : project_(std::move(project)), next_(next) {}

  void record(const events::Event& event) override;

 private:
  std::vector<std::string> path_on_host(const events::Actor& actor);
  std::vector<std::string> path_inside(const events::Actor& actor);

  std::string project_;
  events::EventSink& next_;
  std::optional<std::vector<DependencyGraph>> on_host_;
  base::UniqueFd inside_directory_;
  std::map<std::string, std::vector<std::string>> inside_;  // by actor
};

/// The lockfiles that a project's directory holds, each as a graph. For what is broken, or no
/// regular file, there is none.
std::vector<DependencyGraph> read_lockfiles(int directory_fd);
/// The packages that lie in `directory_fd`'s node_modules, from their own package.json, as far as
/// the project's asks for them.
DependencyGraph read_installed(int directory_fd);
/// The same of pnpm's own layout, by its links alone; `project` is the name to begin with.
DependencyGraph read_pnpm_store(int directory_fd, const std::string& project);

}  // namespace sandbox_run::watch
