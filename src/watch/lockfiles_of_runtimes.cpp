// The lockfiles of bun and deno.

#include <map>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "watch/dependency_graph.h"

namespace sandbox_run::watch {
namespace {

namespace json = base::json;

/// bun ends each list with a comma.
std::string without_trailing_commas(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string && c == '\\' && at + 1 < text.size()) {
      result.append(text.substr(at++, 2));
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (!in_string && c == ',') {
      const std::size_t next = text.find_first_not_of(" \t\r\n", at + 1);
      if (next != std::string_view::npos && (text[next] == '}' || text[next] == ']')) continue;
    }
    result += c;
  }
  return result;
}

/// "@s/a@1.0.0" → {"@s/a", "1.0.0"}.
std::pair<std::string, std::string> name_at_version(std::string_view text) {
  const std::size_t at = text.empty() ? std::string_view::npos : text.find('@', 1);
  if (at == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

const json::object* object_in(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

using Indices = std::map<std::string, std::size_t, std::less<>>;

/// The keys of packages are paths of names: "right/left" is the left that right has for itself.
class BunLock {
 public:
  BunLock(const json::object& lock, std::string_view project_name) {
    if (const json::object* packages = object_in(lock, "packages")) add_packages(*packages);
    const json::object* workspaces = object_in(lock, "workspaces");
    if (workspaces == nullptr) return;
    for (const auto& [location, value] : *workspaces) {
      const json::object* member = value.if_object();
      if (member == nullptr) continue;
      const std::string_view fallback =
          location.empty() ? project_name : std::string_view(location);
      const std::string name = base::string_member(*member, "name").value_or(std::string(fallback));
      const std::size_t index = graph_.add(name, "");
      if (index == DependencyGraph::npos) return;
      graph_.mark_root(index);
      connect(index, name, *member);
    }
  }
  DependencyGraph graph() { return std::move(graph_); }

 private:
  void add_packages(const json::object& packages) {
    for (const auto& [key, value] : packages) {
      const json::array* parts = value.if_array();
      if (parts == nullptr || parts->empty() || !(*parts)[0].is_string()) continue;
      auto [name, version] = name_at_version((*parts)[0].get_string());
      const std::size_t index = graph_.add(std::move(name), std::move(version));
      if (index == DependencyGraph::npos) break;
      indices_.emplace(key, index);
    }
    for (const auto& [key, value] : packages) {
      const auto index = indices_.find(std::string_view(key));
      if (index == indices_.end()) continue;
      for (const json::value& part : value.get_array()) {
        if (const json::object* wishes = part.if_object()) connect(index->second, key, *wishes);
      }
    }
  }

  void connect(std::size_t from, std::string_view key, const json::object& wishes) {
    for (const char* kind : {"dependencies", "devDependencies", "optionalDependencies"}) {
      const json::object* wanted = object_in(wishes, kind);
      if (wanted == nullptr) continue;
      for (const auto& [name, range] : *wanted) {
        const std::size_t to = resolve(key, name);
        if (to != DependencyGraph::npos) graph_.connect(from, to);
      }
    }
  }

  /// From the innermost place outwards.
  std::size_t resolve(std::string_view key, std::string_view name) const {
    for (;;) {
      std::string place(key);
      if (!place.empty()) place += '/';
      const auto found = indices_.find(place.append(name));
      if (found != indices_.end()) return found->second;
      if (key.empty()) return DependencyGraph::npos;
      const std::size_t slash = key.rfind('/');
      key = key.substr(0, slash == std::string_view::npos ? 0 : slash);
    }
  }

  DependencyGraph graph_;
  Indices indices_;
};

/// "npm" and "jsr" hold packages by "NAME@VERSION"; a wish is that, or the name alone if there is
/// one version; the project's are specifiers, "npm:NAME@RANGE".
class DenoLock {
 public:
  DenoLock(const json::object& lock, std::string_view project_name)
      : specifiers_(object_in(lock, "specifiers")) {
    const std::size_t root = graph_.add(std::string(project_name), "");
    for (const char* source : {"npm", "jsr"}) {
      if (const json::object* packages = object_in(lock, source)) add_packages(*packages);
    }
    for (const char* source : {"npm", "jsr"}) {
      if (const json::object* packages = object_in(lock, source)) connect_packages(*packages);
    }
    const json::object* workspace = object_in(lock, "workspace");
    if (workspace == nullptr) return;
    graph_.mark_root(root);
    connect_project(root, *workspace);
    const json::object* members = object_in(*workspace, "members");
    if (members == nullptr) return;
    for (const auto& [name, value] : *members) {
      if (const json::object* member = value.if_object()) connect_project(root, *member);
    }
  }
  DependencyGraph graph() { return std::move(graph_); }

 private:
  void add_packages(const json::object& packages) {
    for (const auto& [key, value] : packages) {
      auto [name, version] = name_at_version(key);
      version = version.substr(0, version.find('_'));  // what follows names peers
      const std::size_t index = graph_.add(name, std::move(version));
      if (index == DependencyGraph::npos) return;
      indices_.emplace(key, index);
      indices_.emplace(std::move(name), index);
    }
  }

  void connect_packages(const json::object& packages) {
    for (const auto& [key, value] : packages) {
      const auto from = indices_.find(std::string_view(key));
      const json::object* package = value.if_object();
      if (package == nullptr || from == indices_.end()) continue;
      for (const char* kind : {"dependencies", "optionalDependencies"}) {
        connect_all(from->second, *package, kind);
      }
    }
  }

  void connect_project(std::size_t root, const json::object& project) {
    connect_all(root, project, "dependencies");
    const json::object* manifest = object_in(project, "packageJson");
    if (manifest != nullptr) connect_all(root, *manifest, "dependencies");
  }

  void connect_all(std::size_t from, const json::object& wishes, std::string_view kind) {
    for (const std::string& wish : base::string_list(wishes, kind)) {
      const auto to = indices_.find(key_of(wish));
      if (to != indices_.end()) graph_.connect(from, to->second);
    }
  }

  std::string key_of(const std::string& wish) const {
    const std::size_t colon = wish.find(':');
    if (colon == std::string::npos) return wish;
    const std::string name = name_at_version(std::string_view(wish).substr(colon + 1)).first;
    const auto version =
        specifiers_ == nullptr ? std::nullopt : base::string_member(*specifiers_, wish);
    return version ? name + "@" + *version : name;
  }

  const json::object* specifiers_;
  DependencyGraph graph_;
  Indices indices_;
};

}  // namespace

DependencyGraph parse_bun_lock(std::string_view text, std::string_view project_name) {
  const auto lock = base::parse_json(without_trailing_commas(text));
  return lock && lock->is_object() ? BunLock(lock->get_object(), project_name).graph()
                                   : DependencyGraph();
}

DependencyGraph parse_deno_lock(std::string_view json, std::string_view project_name) {
  const auto lock = base::parse_json(json);
  return lock && lock->is_object() ? DenoLock(lock->get_object(), project_name).graph()
                                   : DependencyGraph();
}

}  // namespace sandbox_run::watch
