#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "policy/settle.h"
#include "workspace/workspace.h"

namespace sandbox_run::workspace {

/// Who says what becomes of a change. Answers commit, hold, protect, verify, path_file, manifest
/// or drop;
/// never trusted.
struct Judge {
  std::function<policy::Judgement(const std::string& path)> entry;
  /// The same answer for a directory and all beneath it; nullopt: ask for each entry.
  std::function<std::optional<policy::Judgement>(const std::string& path)> subtree;
  /// What the rules held or protected, judged again by what it is; `changed_at`: the layer's ctime,
  /// ns. Empty: the path has said it all (a person has chosen).
  std::function<policy::Judgement(const std::string& path, policy::Judgement judgement,
                                  const policy::Finding& finding, std::int64_t changed_at)>
      content = {};
  /// Is what was removed output of the project's own, if git ignores it? Empty: no.
  std::function<bool(const std::string& path)> removes_output = {};
  /// Against what the path would have committed, by who was running when it changed. Empty: none.
  std::function<std::optional<policy::Judgement>(const std::string& path, std::int64_t changed_at,
                                                 bool was_there)>
      objection = {};
  /// A directory that did not exist, at a path that is no protected place itself, is committed as
  /// it is (`npm create`).
  bool commits_new_directories = false;
  /// So of these alone, relative to the target; "": all of it is new.
  std::vector<std::string> new_places = {};
  /// Not empty: what would be committed is held, for this reason.
  std::string hold_reason = {};
  /// Nothing but what the user typed ran: that everybody may write something is his wish, too.
  bool keeps_modes = false;
  KnownPlaces known = {};
};

/// By the profile's rules. `another`: of a project that is not the command's own, which the user
/// has asked nothing of: what a build or a new project makes is output in the command's own alone,
/// and what the package manager runs of a project (.pnpmfile.cjs) is the command's own project's.
enum class Whose { own, another };
Judge judge_by_policy(const CommitRequest& request, policy::TargetKind kind,
                      Whose whose = Whose::own);

/// Of a directory of what these packages download: new files that their scripts alone made.
Judge judge_downloads(const CommitRequest& request, const std::vector<std::string>& packages);

/// In another project than the command's own (Target::is_neighbour): of what `judge` would commit,
/// whoever wrote it, what a package's script has written is held, and what the command's own
/// project's has. But that project's own scripts may build (npm runs `prepare` of what it links),
/// while no other one is running.
///
/// The attack: a project that was cloned says "victim": "file:../victim", and the script of one of
/// its packages changes what that one has in node_modules.
Judge judge_neighbour(Judge judge, const CommitRequest& request, const std::string& target);

/// As `judge` judges what lies in `directory` of its target.
Judge judge_known_as(Judge judge, const std::string& directory);

/// Is all of this command's changes taken over, or nothing?
bool is_whole(const CommitRequest& request, policy::TargetKind kind);

/// What a person names: the entry and all beneath it, or the entry alone.
struct HeldPath {
  enum class Reach { subtree, entry };
  std::string path;
  Reach reach = Reach::subtree;
};

/// A person has chosen among the changes held in an earlier commit.
struct Choice {
  std::vector<HeldChange> held;  // of this target
  std::vector<HeldPath> paths;   // relative; empty: all
  enum class Act { commit, discard } act = Act::commit;
};
Judge judge_by_choice(Choice choice);

/// Everything is held, with one reason.
Judge judge_hold_all(std::string reason);

/// As `judge`, but nothing is committed: what is not dropped or protected is held, with `reason`.
Judge judge_without_commits(Judge judge, const std::string& reason);

/// Is `path` `directory` or beneath it ("" is everything's)? Relative paths.
bool is_at_or_beneath(const std::string& path, const std::string& directory);

}  // namespace sandbox_run::workspace
