// The lockfiles of pnpm and yarn are YAML, or nearly so, of a kind that can be read line by line:
// two blanks a level, "key: value" or "key value". What cannot be read so is left out.

#include <algorithm>
#include <array>
#include <functional>

#include "base/json.h"
#include "base/text.h"
#include "watch/dependency_graph.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxLevels = 8;

std::string unquoted(std::string_view text) {
  text = base::trim(text);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

/// Calls `use` with the keys that a line stands below, its own key and its value ("" if a block
/// follows).
using Keys = std::array<std::string, kMaxLevels>;
void for_each_entry_line(std::string_view text,
                         const std::function<void(std::size_t level, const Keys& above,
                                                  const std::string& value)>& use) {
  Keys keys;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent == std::string_view::npos || line[indent] == '#') continue;
    const std::size_t level = indent / 2;
    if (level >= kMaxLevels) continue;
    line = base::trim(line);
    if (line.empty()) continue;  // a tab, say
    // A key in quotes may hold colons and blanks; a bare one ends at ": ", at the last ':' of the
    // line, or (yarn classic) at a blank.
    std::size_t key_end = 0;
    const bool quoted = line.front() == '"' || line.front() == '\'';
    const bool list_of_keys = line.back() == ':';
    if (list_of_keys) {
      key_end = line.size() - 1;
    } else if (quoted) {
      key_end = std::min(line.find(line.front(), 1), line.size() - 1) + 1;
    } else {
      key_end = std::min({line.find(": "), line.find(' '), line.size()});
    }
    keys[level] = list_of_keys && line.find(", ") != std::string_view::npos
                      ? std::string(line.substr(0, key_end))
                      : unquoted(line.substr(0, key_end));
    std::string_view value = line.substr(key_end);
    if (value.starts_with(':')) value.remove_prefix(1);
    use(level, keys, unquoted(value));
  }
}

/// "@s/a@1.0.0(peer@2.0.0)" → {"@s/a", "1.0.0"}.
std::pair<std::string, std::string> name_and_version(std::string_view key) {
  if (key.starts_with('/')) key.remove_prefix(1);  // lockfileVersion 6
  key = key.substr(0, key.find('('));
  const std::size_t at = key.empty() ? std::string_view::npos : key.find('@', 1);
  if (at == std::string_view::npos) return {std::string(key), ""};
  return {std::string(key.substr(0, at)), std::string(key.substr(at + 1))};
}

bool is_dependency_kind(std::string_view key) {
  return key == "dependencies" || key == "devDependencies" || key == "optionalDependencies";
}

/// The indices of packages by the keys that others name them by.
struct Keyed {
  DependencyGraph graph;
  std::map<std::string, std::size_t, std::less<>> indices;
  std::vector<std::pair<std::size_t, std::string>> wishes;  // from, the key wished for

  std::size_t at(const std::string& key, const std::string& name, const std::string& version) {
    const auto found = indices.find(key);
    if (found != indices.end()) return found->second;
    const std::size_t index = graph.add(name, version);
    if (index != DependencyGraph::npos) indices.emplace(key, index);
    return index;
  }
  void wish(std::size_t from, std::string key) {
    if (from == DependencyGraph::npos || wishes.size() == DependencyGraph::kMaxEdges) return;
    wishes.emplace_back(from, std::move(key));
  }
  DependencyGraph connected() {
    for (const auto& [from, key] : wishes) {
      const auto to = indices.find(key);
      if (to != indices.end()) graph.connect(from, to->second);
    }
    return std::move(graph);
  }
};

void split_descriptors(std::string_view text, const std::function<void(std::string)>& use) {
  text = base::trim(text);
  // In berry one pair of quotes is around all of them.
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"' &&
      text.find('"', 1) == text.size() - 1) {
    text = text.substr(1, text.size() - 2);
  }
  while (!text.empty()) {
    const std::size_t comma = text.find(", ");
    use(unquoted(text.substr(0, comma)));
    if (comma == std::string_view::npos) return;
    text.remove_prefix(comma + 2);
  }
}

}  // namespace

DependencyGraph parse_pnpm_lock(std::string_view yaml, std::string_view project_name) {
  Keyed packages;
  for_each_entry_line(yaml, [&](std::size_t level, const Keys& keys, const std::string& value) {
    if (keys[0] == "importers" && level >= 1) {
      const std::string name = keys[1] == "." ? std::string(project_name) : keys[1];
      const bool is_new = packages.indices.find("importer " + keys[1]) == packages.indices.end();
      const std::size_t from = packages.at("importer " + keys[1], name, "");
      if (is_new && from != DependencyGraph::npos) packages.graph.mark_root(from);
      if (level == 4 && is_dependency_kind(keys[2]) && keys[4] == "version") {
        packages.wish(from, keys[3] + "@" + value);
      }
      return;
    }
    if ((keys[0] != "snapshots" && keys[0] != "packages") || level == 0) return;
    std::string key = keys[1];
    if (key.starts_with('/')) key.erase(0, 1);
    const auto [name, version] = name_and_version(key);
    const std::size_t from = packages.at(key, name, version);
    if (level == 3 && is_dependency_kind(keys[2])) packages.wish(from, keys[3] + "@" + value);
  });
  return packages.connected();
}

DependencyGraph parse_yarn_lock(std::string_view text, std::string_view manifest) {
  Keyed packages;
  std::size_t current = DependencyGraph::npos;
  std::vector<std::string> descriptors;
  const auto start = [&](const std::string& version) {
    current = DependencyGraph::npos;
    for (const std::string& descriptor : descriptors) {
      if (current == DependencyGraph::npos) {
        current = packages.at(descriptor, name_and_version(descriptor).first, version);
        const bool own = descriptor.find("@workspace:") != std::string::npos;
        if (own && current != DependencyGraph::npos) packages.graph.mark_root(current);
      } else {
        packages.indices.emplace(descriptor, current);
      }
    }
  };
  for_each_entry_line(text, [&](std::size_t level, const Keys& keys, const std::string& value) {
    if (level == 0) {
      descriptors.clear();
      current = DependencyGraph::npos;
      split_descriptors(keys[0], [&](std::string each) { descriptors.push_back(std::move(each)); });
    } else if (level == 1 && keys[1] == "version") {
      start(value);
    } else if (level == 2 && is_dependency_kind(keys[1])) {
      packages.wish(current, keys[2] + "@" + value);
    }
  });
  const auto project = base::parse_json(manifest);
  const base::json::object* object = project ? project->if_object() : nullptr;
  if (object == nullptr) return packages.connected();
  const std::size_t root =
      packages.at("the project", base::string_member(*project, "name").value_or("project"), "");
  if (root != DependencyGraph::npos) packages.graph.mark_root(root);
  for (const auto& [kind, wanted] : *object) {
    if (!is_dependency_kind(kind) || !wanted.is_object()) continue;
    for (const auto& [name, range] : wanted.get_object()) {
      if (range.is_string()) {
        packages.wish(root, std::string(name) + "@" + std::string(range.get_string().c_str()));
      }
    }
  }
  return packages.connected();
}

}  // namespace sandbox_run::watch
