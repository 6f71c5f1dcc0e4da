#include "watch/dependency_graph.h"

#include <algorithm>
#include <deque>

#include "base/json.h"

namespace sandbox_run::watch {
namespace {

namespace json = base::json;

constexpr std::string_view kModulesPrefix = "node_modules/";

std::string text_of(const json::object& object, std::string_view key) {
  return base::string_member(object, key).value_or("");
}

/// "node_modules/a/node_modules/@s/b" → "@s/b"; "packages/web" → "web".
std::string name_of_location(std::string_view location) {
  const std::size_t modules = location.rfind(kModulesPrefix);
  if (modules != std::string_view::npos) {
    return std::string(location.substr(modules + kModulesPrefix.size()));
  }
  return std::string(location.substr(location.rfind('/') + 1));
}

/// Node's own search: in the package's node_modules, then in those around it.
class LockedTree {
 public:
  explicit LockedTree(const json::object& packages) {
    for (const auto& [location, value] : packages) {
      const json::object* package = value.if_object();
      if (package == nullptr) continue;
      std::string name = text_of(*package, "name");
      if (name.empty()) name = name_of_location(location);
      const std::size_t index = graph_.add(std::move(name), text_of(*package, "version"));
      if (index == DependencyGraph::npos) break;
      indices_.emplace(location, index);
      // What lies in no node_modules is the project's own.
      if (std::string_view(location).find(kModulesPrefix) == std::string_view::npos) {
        graph_.mark_root(index);
      }
    }
    for (const auto& [location, value] : packages) {
      const json::object* package = value.if_object();
      const auto index = indices_.find(std::string_view(location));
      if (package != nullptr && index != indices_.end()) connect(index->second, location, *package);
    }
  }

  DependencyGraph graph() { return std::move(graph_); }

 private:
  void connect(std::size_t from, std::string_view location, const json::object& package) {
    for (const char* kind :
         {"dependencies", "devDependencies", "optionalDependencies", "peerDependencies"}) {
      const json::value* value = package.if_contains(kind);
      const json::object* wanted = value == nullptr ? nullptr : value->if_object();
      if (wanted == nullptr) continue;
      for (const auto& [name, range] : *wanted) {
        const std::size_t to = resolve(location, name);
        if (to != DependencyGraph::npos) graph_.connect(from, to);
      }
    }
    // "node_modules/web" that is a link to "packages/web".
    if (package.if_contains("link") != nullptr) {
      const auto target = indices_.find(text_of(package, "resolved"));
      if (target != indices_.end()) graph_.connect(from, target->second);
    }
  }

  std::size_t resolve(std::string_view from, std::string_view name) const {
    for (const std::string& place : places_of(from, name)) {
      const auto found = indices_.find(place);
      if (found != indices_.end()) return found->second;
    }
    return DependencyGraph::npos;
  }

  DependencyGraph graph_;
  std::map<std::string, std::size_t, std::less<>> indices_;
};

}  // namespace

std::size_t DependencyGraph::add(std::string name, std::string version) {
  if (packages_.size() == kMaxPackages) return npos;
  packages_.push_back({std::move(name), std::move(version), {}});
  return packages_.size() - 1;
}

void DependencyGraph::mark_root(std::size_t package) {
  roots_.push_back(static_cast<std::uint32_t>(package));
}

void DependencyGraph::connect(std::size_t from, std::size_t to) {
  if (edges_ == kMaxEdges) return;
  ++edges_;
  packages_[from].wants.push_back(static_cast<std::uint32_t>(to));
}

std::vector<std::string> DependencyGraph::path_to(std::string_view name,
                                                  std::string_view version) const {
  constexpr std::uint32_t kNobody = 0xFFFFFFFF;
  std::vector<std::uint32_t> asked_by(packages_.size(), kNobody);
  std::vector<bool> seen(packages_.size(), false);
  std::deque<std::uint32_t> next;
  for (const std::uint32_t root : roots_) {
    if (!seen[root]) next.push_back(root);
    seen[root] = true;
  }
  for (; !next.empty(); next.pop_front()) {
    std::uint32_t at = next.front();
    const Package& package = packages_[at];
    if (package.name == name && (version.empty() || package.version == version)) {
      std::vector<std::string> path;
      for (; at != kNobody; at = asked_by[at]) path.push_back(packages_[at].name);
      std::reverse(path.begin(), path.end());
      return path;
    }
    for (const std::uint32_t wanted : package.wants) {
      if (seen[wanted]) continue;
      seen[wanted] = true;
      asked_by[wanted] = at;
      next.push_back(wanted);
    }
  }
  return {};
}

std::vector<std::string> places_of(std::string_view location, std::string_view name) {
  constexpr std::size_t kMaxDepth = 64;
  std::vector<std::string> places;
  while (places.size() < kMaxDepth) {
    std::string place(location);
    if (!place.empty()) place += '/';
    places.push_back(place.append(kModulesPrefix).append(name));
    if (location.empty()) break;
    const std::size_t slash = location.rfind("/node_modules/");
    location = location.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
  return places;
}

DependencyGraph parse_package_lock(std::string_view text) {
  const auto document = base::parse_json(text);
  const json::object* root = document ? document->if_object() : nullptr;
  const json::value* packages = root == nullptr ? nullptr : root->if_contains("packages");
  const json::object* list = packages == nullptr ? nullptr : packages->if_object();
  if (list == nullptr) return {};
  return LockedTree(*list).graph();
}

}  // namespace sandbox_run::watch
