#include "policy/behaviour_lock.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include "base/text.h"
#include "policy/toml_table.h"

namespace sandbox_run::policy {
namespace {

constexpr const char* kHead =
    "# What the install scripts of this project's packages do. Made by `sandbox-run --learn`;\n"
    "# read its changes as you read those of a lockfile.\n"
    "version = 1\n";
constexpr std::int64_t kVersion = 1;

struct KindWords {
  Act::Kind kind;
  const char* key;
  const char* words;
};
constexpr std::array kActs{KindWords{Act::Kind::script, "scripts", "runs the script"},
                           KindWords{Act::Kind::exec, "execs", "runs the program"},
                           KindWords{Act::Kind::host, "hosts", "asks for the host"},
                           KindWords{Act::Kind::file, "files", "changes"},
                           KindWords{Act::Kind::decoy, "decoys", "opens the decoy"}};

constexpr std::array kDoers{std::pair{"package", Doer::Kind::script},
                            std::pair{"build", Doer::Kind::build}};

/// `text` is printable: no control characters.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::vector<std::string> act_keys() {
  std::vector<std::string> keys = {"name", "version"};
  for (const KindWords& act : kActs) keys.emplace_back(act.key);
  return keys;
}

PackageBehaviour read_package(const TomlTable& table, Doer::Kind kind) {
  table.allow_only(act_keys());
  PackageBehaviour package{{kind, table.required_text("name"), table.text("version")}, {}};
  for (const KindWords& act : kActs) {
    for (std::string& what : table.texts(act.key)) {
      package.acts.insert({act.kind, std::move(what)});
    }
  }
  return package;
}

std::set<Act> without(const std::set<Act>& acts, const std::set<Act>& known) {
  std::set<Act> rest;
  std::set_difference(acts.begin(), acts.end(), known.begin(), known.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

bool same_package(const Doer& one, const Doer& other) {
  return one.kind == other.kind && one.name == other.name;
}

}  // namespace

std::set<Act>& BehaviourLock::acts_of(const Doer& doer) {
  const auto at = std::lower_bound(
      packages.begin(), packages.end(), doer,
      [](const PackageBehaviour& package, const Doer& wanted) { return package.doer < wanted; });
  if (at != packages.end() && at->doer == doer) return at->acts;
  return packages.insert(at, PackageBehaviour{doer, {}})->acts;
}

BehaviourLock parse_behaviour_lock(std::string_view text, const std::string& origin) {
  const TomlDocument document(text, origin);
  const TomlTable root = document.root();
  root.allow_only({"version", "package", "build"});
  if (root.number("version") != kVersion) {
    root.fail("version", "a lock of another version of sandbox-run: learn it anew with --learn");
  }
  BehaviourLock lock;
  for (const auto& [key, kind] : kDoers) {
    for (const TomlTable& table : root.tables(key)) {
      PackageBehaviour package = read_package(table, kind);
      lock.acts_of(package.doer).merge(package.acts);
    }
  }
  return lock;
}

std::string to_toml(const BehaviourLock& lock) {
  std::string out = kHead;
  for (const auto& [doer, acts] : lock.packages) {
    out.append(doer.kind == Doer::Kind::build ? "\n[[build]]\n" : "\n[[package]]\n");
    out.append("name = ").append(quoted(doer.name)).append("\n");
    out.append("version = ").append(quoted(doer.version)).append("\n");
    for (const KindWords& kind : kActs) {
      std::string list;
      for (const Act& act : acts) {
        if (act.kind == kind.kind) list.append("  ").append(quoted(act.what)).append(",\n");
      }
      if (!list.empty()) out.append(kind.key).append(" = [\n").append(list).append("]\n");
    }
  }
  return out;
}

std::vector<Deviation> deviations(const BehaviourLock& lock, const BehaviourLock& seen) {
  std::vector<Deviation> result;
  for (const auto& [doer, acts] : seen.packages) {
    std::set<Act> of_version;
    std::set<Act> of_any;
    bool version_known = false;
    bool package_known = false;
    for (const PackageBehaviour& locked : lock.packages) {
      if (!same_package(locked.doer, doer)) continue;
      package_known = true;
      of_any.insert(locked.acts.begin(), locked.acts.end());
      if (locked.doer != doer) continue;
      version_known = true;
      of_version = locked.acts;
    }
    if (!package_known) {
      result.push_back({Deviation::Kind::unknown_package, doer, acts});
      continue;
    }
    std::set<Act> fresh = without(acts, version_known ? of_version : of_any);
    if (fresh.empty()) continue;
    result.push_back({version_known ? Deviation::Kind::new_act : Deviation::Kind::new_version, doer,
                      std::move(fresh)});
  }
  return result;
}

BehaviourLock learn(const BehaviourLock& lock, const BehaviourLock& seen) {
  BehaviourLock result = seen;
  for (const PackageBehaviour& locked : lock.packages) {
    const bool replaced = std::any_of(
        seen.packages.begin(), seen.packages.end(),
        [&](const PackageBehaviour& package) { return same_package(package.doer, locked.doer); });
    const bool again =
        std::any_of(seen.packages.begin(), seen.packages.end(),
                    [&](const PackageBehaviour& package) { return package.doer == locked.doer; });
    if (replaced && !again) continue;
    result.acts_of(locked.doer).insert(locked.acts.begin(), locked.acts.end());
  }
  return result;
}

std::string to_words(const Act& act) {
  for (const KindWords& kind : kActs) {
    if (kind.kind == act.kind) return std::string(kind.words) + " " + base::printable(act.what);
  }
  return base::printable(act.what);
}

}  // namespace sandbox_run::policy
