#include "policy/behaviour_lock.h"

#include <algorithm>
#include <array>
#include <cstdint>

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
                           KindWords{Act::Kind::decoy, "decoys", "opens the decoy"},
                           KindWords{Act::Kind::file, "files", "writes to"}};

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

bool same_package(const Doer& one, const Doer& other) {
  return one.kind == other.kind && one.name == other.name;
}

constexpr auto kBefore = [](const PackageBehaviour& package, const Doer& wanted) {
  return package.doer < wanted;
};

/// Of all acts; a package without any has a line, too.
std::set<std::string> lines_of(const BehaviourLock& lock) {
  std::set<std::string> lines;
  for (const auto& [doer, acts] : lock.packages) {
    const std::string who = doer.name + (doer.version.empty() ? "" : "@" + doer.version) +
                            (doer.kind == Doer::Kind::build ? " (build)" : "");
    if (acts.empty()) lines.insert(who);
    for (const Act& act : acts) lines.insert(who + "  " + to_words(act));
  }
  return lines;
}

}  // namespace

std::set<Act>& BehaviourLock::acts_of(const Doer& doer) {
  const auto at = std::lower_bound(packages.begin(), packages.end(), doer, kBefore);
  if (at != packages.end() && at->doer == doer) return at->acts;
  return packages.insert(at, PackageBehaviour{doer, {}})->acts;
}

bool BehaviourLock::contains(const Doer& doer) const {
  const auto at = std::lower_bound(packages.begin(), packages.end(), doer, kBefore);
  return at != packages.end() && at->doer == doer;
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

std::optional<Deviation> deviation(const BehaviourLock& lock, const Doer& doer, const Act& act) {
  bool package_known = false;
  bool done_by_another = false;
  const Doer first{doer.kind, doer.name, ""};
  auto locked = std::lower_bound(lock.packages.begin(), lock.packages.end(), first, kBefore);
  for (; locked != lock.packages.end() && same_package(locked->doer, doer); ++locked) {
    const bool known = locked->acts.contains(act);
    if (locked->doer == doer) return known ? std::nullopt : std::optional(Deviation::new_act);
    package_known = true;
    done_by_another = done_by_another || known;
  }
  if (!package_known) return Deviation::unknown_package;
  return done_by_another ? std::nullopt : std::optional(Deviation::new_version);
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

std::string differences(const BehaviourLock& before, const BehaviourLock& after) {
  const std::set<std::string> old_lines = lines_of(before);
  const std::set<std::string> new_lines = lines_of(after);
  std::set<std::string> all = old_lines;
  all.insert(new_lines.begin(), new_lines.end());
  std::string text;
  for (const std::string& line : all) {
    if (old_lines.contains(line) && new_lines.contains(line)) continue;
    text.append(new_lines.contains(line) ? "+ " : "- ").append(line).append("\n");
  }
  return text;
}

std::string to_words(const Act& act) {
  for (const KindWords& kind : kActs) {
    if (kind.kind == act.kind) return std::string(kind.words) + " " + act.what;
  }
  return act.what;
}

}  // namespace sandbox_run::policy
