#include "watch/dependency_notes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <deque>

#include "base/json.h"
#include "base/path.h"
#include "base/unique_fd.h"
#include "events/event.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {
namespace {

namespace json = base::json;
using events::Actor;

constexpr std::size_t kMaxLockfile = 32U << 20;
constexpr std::size_t kMaxManifest = 256U << 10;
constexpr std::size_t kMaxManifests = 4000;
constexpr std::size_t kMaxPathsInside = 64;

/// A regular file beneath `directory_fd`; "" if there is none, or it is longer than `max`.
std::string read_regular(int directory_fd, const std::string& name, std::size_t max) {
  // O_NONBLOCK: neither a FIFO nor a lease may stop us.
  const base::UniqueFd fd(base::try_open_beneath(directory_fd, name, O_RDONLY | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if (status.st_size < 0 || static_cast<std::size_t>(status.st_size) > max) return {};
  return read_up_to(fd.get(), static_cast<std::size_t>(status.st_size));
}

/// From the project down, as Node.js would find them.
class InstalledTree {
 public:
  explicit InstalledTree(int directory_fd) : directory_fd_(directory_fd) {}

  DependencyGraph read() {
    const std::size_t root = look("");
    if (root == DependencyGraph::npos) return {};
    graph_.mark_root(root);
    while (!next_.empty()) {
      const Entry entry = std::move(next_.front());
      next_.pop_front();
      for (const std::string& name : entry.wants) connect(entry, name);
    }
    return std::move(graph_);
  }

 private:
  struct Entry {
    std::size_t index = 0;
    std::string location;
    std::vector<std::string> wants;
  };

  void connect(const Entry& from, const std::string& name) {
    if (name.empty() || name.find("..") != std::string::npos) return;
    for (const std::string& place : places_of(from.location, name)) {
      const std::size_t to = look(place);
      if (to == DependencyGraph::npos) continue;
      graph_.connect(from.index, to);
      return;
    }
  }

  std::size_t look(const std::string& location) {
    const auto known = indices_.find(location);
    if (known != indices_.end()) return known->second;
    if (indices_.size() == kMaxManifests) return DependencyGraph::npos;
    std::size_t& index = indices_.emplace(location, DependencyGraph::npos).first->second;
    const std::string file = location.empty() ? "package.json" : location + "/package.json";
    const auto manifest = base::parse_json(read_regular(directory_fd_, file, kMaxManifest));
    const json::object* object = manifest ? manifest->if_object() : nullptr;
    if (object == nullptr) return DependencyGraph::npos;
    index = graph_.add(base::string_member(*manifest, "name").value_or(""),
                       base::string_member(*manifest, "version").value_or(""));
    Entry entry{index, location, {}};
    for (const char* kind : {"dependencies", "optionalDependencies", "devDependencies"}) {
      if (!location.empty() && kind[0] == 'd' && kind[3] == 'D') continue;  // the project's only
      const json::value* wanted = object->if_contains(kind);
      if (wanted == nullptr || !wanted->is_object()) continue;
      for (const auto& [name, range] : wanted->get_object()) entry.wants.emplace_back(name);
    }
    if (index != DependencyGraph::npos) next_.push_back(std::move(entry));
    return index;
  }

  int directory_fd_;
  DependencyGraph graph_;
  std::map<std::string, std::size_t> indices_;
  std::deque<Entry> next_;
};

std::vector<std::string> first_path(const std::vector<DependencyGraph>& graphs,
                                    const Actor& actor) {
  for (const DependencyGraph& graph : graphs) {
    std::vector<std::string> path = graph.path_to(actor.package, actor.version);
    if (!path.empty()) return path;
  }
  return {};
}

std::string project_name(int directory_fd) {
  const auto manifest = base::parse_json(read_regular(directory_fd, "package.json", kMaxManifest));
  return manifest ? base::string_member(*manifest, "name").value_or("project") : "project";
}

base::UniqueFd open_directory(const std::string& path) {
  return base::UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/// `path` as the process sees it; nothing if it has ended.
base::UniqueFd open_directory_of(int pid, const std::string& path) {
  const base::UniqueFd root = open_directory("/proc/" + std::to_string(pid) + "/root");
  if (!root || path.size() < 2) return {};
  return base::UniqueFd(base::try_open_beneath(root.get(), path.substr(1), O_PATH | O_DIRECTORY));
}

}  // namespace

std::vector<DependencyGraph> read_lockfiles(int directory_fd) {
  std::vector<DependencyGraph> graphs;
  const auto add = [&](DependencyGraph graph) {
    if (!graph.empty()) graphs.push_back(std::move(graph));
  };
  const auto text = [&](const char* name) {
    return read_regular(directory_fd, name, kMaxLockfile);
  };
  for (const char* name :
       {"npm-shrinkwrap.json", "package-lock.json", "node_modules/.package-lock.json"}) {
    if (const std::string json = text(name); !json.empty()) add(parse_package_lock(json));
  }
  const std::string manifest = read_regular(directory_fd, "package.json", kMaxManifest);
  const std::string name = project_name(directory_fd);
  for (const char* lockfile : {"pnpm-lock.yaml", "node_modules/.pnpm/lock.yaml"}) {
    if (const std::string yaml = text(lockfile); !yaml.empty()) add(parse_pnpm_lock(yaml, name));
  }
  if (const std::string yarn = text("yarn.lock"); !yarn.empty()) {
    add(parse_yarn_lock(yarn, manifest));
  }
  if (const std::string bun = text("bun.lock"); !bun.empty()) add(parse_bun_lock(bun, name));
  if (const std::string deno = text("deno.lock"); !deno.empty()) add(parse_deno_lock(deno, name));
  return graphs;
}

DependencyGraph read_installed(int directory_fd) { return InstalledTree(directory_fd).read(); }

std::vector<std::string> DependencyNotes::path_on_host(const Actor& actor) {
  if (!on_host_) {
    const base::UniqueFd directory = open_directory(project_);
    on_host_ = directory ? read_lockfiles(directory.get()) : std::vector<DependencyGraph>();
  }
  return first_path(*on_host_, actor);
}

std::vector<std::string> DependencyNotes::path_inside(const Actor& actor) {
  const std::string key = actor.package + '\n' + actor.version;
  const auto known = inside_.find(key);
  if (known != inside_.end()) return known->second;
  if (inside_.size() == kMaxPathsInside) return {};
  if (!inside_directory_) return {};
  const int directory = inside_directory_.get();
  std::vector<std::string> path = first_path(read_lockfiles(directory), actor);
  if (path.empty()) path = read_installed(directory).path_to(actor.package, actor.version);
  if (path.empty()) {
    const std::string project = project_name(directory);
    path = read_pnpm_store(directory, project).path_to(actor.package, actor.version);
  }
  return inside_.emplace(key, std::move(path)).first->second;
}

void DependencyNotes::record(const events::Event& event) {
  const bool alert = event.severity == events::Severity::alert;
  const bool noted = event.actor && event.actor->kind == Actor::Kind::script &&
                     (alert || event.type == "script.started");
  if (!noted) return next_.record(event);
  std::vector<std::string> path = path_on_host(*event.actor);
  if (path.empty()) {
    // Now, while a script waits to be started: who sets off the alert may be gone when it is told.
    if (!inside_directory_ && event.process) {
      inside_directory_ = open_directory_of(event.process->pid, project_);
    }
    if (alert) path = path_inside(*event.actor);
  }
  if (path.empty()) return next_.record(event);
  events::Event with_path = event;
  with_path.details["dependency_path"] = json::array(path.begin(), path.end());
  next_.record(with_path);
}

}  // namespace sandbox_run::watch
