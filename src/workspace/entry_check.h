#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/verdict.h"
#include "workspace/environment_check.h"
#include "workspace/inspection.h"
#include "workspace/recorded.h"
#include "workspace/workspace.h"

// What a new entry is, where the rules have spoken of its path alone.
//
// The attack: a script leaves a link where the rules expect a file or a directory. Whoever writes
// there later, outside, writes or deletes what the link leads to: package-lock.json → ~/.bashrc,
// packages/app/node_modules → the home directory, node_modules/.cache/tool → ~/.ssh.
//
// Must: look at links and files beneath directory descriptors only, following nothing.
// Must not: judge paths; change anything.

namespace sandbox_run::workspace {

class EntryCheck {
 public:
  /// Descriptors are borrowed, and so is `known`. `host_root` -1: the target does not exist.
  EntryCheck(const Target& target, int layer_root, int host_root, const KnownPlaces& known)
      : kind_(target.kind),
        target_path_(target.path),
        known_(known),
        layer_root_(layer_root),
        host_root_(host_root),
        environment_(target, layer_root, host_root, known) {}

  /// What becomes of an entry that is no directory (`type` as in Change) and whose path may be
  /// committed, if not that. Throws SysError.
  std::optional<policy::Judgement> objection(int dir_fd, const char* name,
                                             const std::string& dir_path, char type) const;
  /// The same question, for inspect().
  Objects objects() const;

  /// See recorded.h.
  bool is_recorded(int dir_fd, const std::string& dir_path, const char* name) const {
    return workspace::is_recorded(layer_root_, host_root_, dir_fd, dir_path, name);
  }

  /// A .pth whose lines are directories of a project that is a target, and nothing else (`setup.py
  /// develop`, which writes no RECORD).
  bool is_path_into_project(int dir_fd, const std::string& dir_path, const char* name) const;

  /// Verdict::path_file, settled: commit if Python executes nothing in the file and all it names
  /// are directories that the host has already; else held with the rule's reason.
  policy::Judgement path_file(int dir_fd, const std::string& dir_path, const char* name,
                              const policy::Judgement& rule) const;

  /// Verdict::manifest, settled: commit if both are JSON and differ in rule.keys only; else
  /// protected, with the names of what changed. `host_dir` -1: there is none there.
  static policy::Judgement manifest(int layer_dir, int host_dir, const char* name,
                                    const policy::Judgement& rule);

 private:
  bool leads_out(const std::string& dir_path, const std::string& text) const;
  bool is_system_link(std::string_view text) const;
  bool is_known_link(const std::string& text, const std::string& dir_path) const;
  bool is_known_climb(const std::vector<std::string>& ahead, const std::string& dir_path) const;
  bool is_editable_finder(int dir_fd, std::string_view text) const;
  enum class Step { no_link, link, unknown };
  Step look(const std::vector<std::string>& at, std::string& text) const;

  policy::TargetKind kind_;
  std::string target_path_;
  const KnownPlaces& known_;
  int layer_root_;
  int host_root_;
  EnvironmentCheck environment_;
};

}  // namespace sandbox_run::workspace
