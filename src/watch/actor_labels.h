#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "events/actor.h"
#include "policy/policy.h"
#include "watch/exec_reader.h"
#include "watch/nested_manager.h"
#include "watch/own_code.h"
#include "watch/process_files.h"
#include "watch/trusted_programs.h"

namespace sandbox_run::watch {

/// One exec, as far as it could be read.
struct Act {
  std::chrono::system_clock::time_point time;
  ProcessStatus process;
  ExecReading reading;
  bool by_descriptor = false;
  bool trusted = false;  // the command's own program, or a helper
  int error = 0;         // not 0: it fails with this, and is not worth a record
  /// See ShadowedPrograms; then it fails, and is worth one.
  std::optional<std::string> shadowing = {};
  events::Actor parent;
  bool is_orphan = false;    // `parent` is a guess: ProcessTable::by_descent
  bool follows_own = false;  // OwnCode::follows
  bool planted = false;      // ActorLabels::is_planted
  Look program;
  std::optional<ProcessRoot> root;  // as its process sees it
};

/// Whom each exec starts: what its parent was, what it says of itself, and whether it is a package
/// manager that the user's own code starts (own_code.h).
class ActorLabels {
 public:
  /// `manager`: the command's own; `programs`: those of all that may be started. `init`: whose
  /// children have lost their parents; 0: the command's parent.
  ActorLabels(policy::PackageManager manager, TrustedPrograms programs, OwnCode own,
              std::string project, int init);

  /// In the order of the execs; the first is the command itself.
  events::Actor label(const Act& act);
  /// Does the package manager start what the run has brought? To be asked while the exec waits: its
  /// file may be gone a moment later. The attack: npm makes a git dependency ready by an npm of its
  /// own in the clone, which reads the .npmrc there: `git=./evil.sh`, `node-options=--require …`.
  bool is_planted(const Act& act) const;
  /// Is it the package manager still, with what it loads by itself?
  bool keeps_trust(const Act& act, const events::Actor& actor) const;
  const std::vector<NestedManager>& nested() const { return nested_; }
  const OwnCode& own_code() const { return own_; }
  policy::PackageManager manager() const { return manager_; }

  /// A living process that has lost its parents and of which `is_meant` is true, or more than are
  /// looked at, or a kernel that tells none.
  template <typename IsMeant>
  bool any_orphan(IsMeant is_meant) const {
    constexpr std::size_t kMaxOrphans = 64;  // more are nobody's way to be overlooked
    if (!orphans_are_told_) return true;
    const std::vector<int> orphans = children_of(init_, kMaxOrphans);
    return orphans.size() == kMaxOrphans ||
           std::any_of(orphans.begin(), orphans.end(), [&](int orphan) {
             const auto status = read_process_status(orphan);
             return status && !status->ended && is_meant(*status);
           });
  }

 private:
  events::Actor begin(const Act& act, const OwnExec& exec);
  events::Actor inherit(const Act& act) const;
  bool is_another_program(const Act& act) const;
  bool starts_programs_for_itself() const;
  bool is_forked_by_shell(const Act& act) const;
  void note_shell(const Act& act, const events::Actor& actor);
  bool packages_live();
  bool has_own_loaders(const Act& act) const;

  policy::PackageManager manager_;
  TrustedPrograms managers_;
  OwnCode own_;
  std::string project_;
  int init_;
  bool begun_ = false;
  bool orphans_are_told_ = false;
  ExecFacts outer_;  // what the command itself was started with
  std::vector<NestedManager> nested_;
  /// Package managers that run scripts in a shell of their own: deno. What they fork is a script's
  /// command, whatever it says: `unset` of what marks it is one of that shell's words.
  std::vector<ProcessId> shells_;
};

}  // namespace sandbox_run::watch
