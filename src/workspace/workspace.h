#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "events/event_sink.h"
#include "policy/global_install.h"
#include "policy/policy.h"
#include "policy/settle.h"

// An install as a transaction: layers made before the run, read after it, committed by rename.

namespace sandbox_run::workspace {

/// One target of a run. `kind` picks its rules in Policy::files.targets.
struct Target {
  std::string path;  // absolute, real
  policy::TargetKind kind = policy::TargetKind::project;
  bool lower_is_empty = false;  // does not exist on the host yet
  /// No overlay can lie above it (sandbox/overlay_probe.h): it lies above a copy instead, or if it
  /// is a cache, which may be large, above an empty directory.
  bool lower_is_copied = false;
  /// That is because of owners or groups (workspace/foreign_owners.h): the copy is all our own.
  bool has_foreign_owners = false;
  /// Directories at its root that the command shall find empty (policy::hidden_directories). Only
  /// where they can be exchanged afterwards; left empty they are as the host has them.
  std::vector<std::string> hidden = {};
  /// Of a cache: only what these packages' scripts made is kept (policy::CacheDirectory).
  std::vector<std::string> packages = {};
  /// How its changes are told. Where the command works: relative to it; elsewhere with the whole
  /// path; of what is all new only its own.
  enum class Telling { relative, absolute, whole } telling = Telling::relative;
  /// The path in a project that the rules know it by: ".git", of a repository that lies elsewhere.
  std::string known_as = {};
  /// Another project than the command's own, which a manifest leads to: of what the rules take over
  /// there, what a package's script has written is held.
  bool is_neighbour = false;
};

/// Is any of them copied in full, which takes time?
bool copies_any(const std::vector<Target>& targets);

/// Where one target's changes land: `<run directory>/layers/N/{upper,work}`.
struct LayerDirectory {
  Target target;
  std::string lower;  // what is changed: the target, or `…/layers/N/lower`; "" if it is new
  std::string upper;
  std::string work;
};

enum class ChangeKind { added, changed, removed, replaced /* type changed or opaque directory */ };

struct Change {
  std::string path;  // relative to the target's root; any bytes
  ChangeKind kind = ChangeKind::added;
  char type = 'f';  // of the new entry: f d l (symlink) p s b c; of the old one if removed
  std::uint32_t mode = 0;
  std::uint64_t size = 0;
};

struct HeldChange {
  std::string target;
  Change change;
  policy::Verdict verdict = policy::Verdict::hold;  // hold or protect
  std::string reason;
};
/// Does a held change stand for all beneath its path, too (a new directory), or for the entry alone
/// (a mode, a file)?
bool covers_subtree(const Change& change);

struct CommitSummary {
  std::uint64_t committed_entries = 0;   // files, links and directories
  std::uint64_t committed_packages = 0;  // node_modules/NAME, node_modules/@scope/NAME, *.dist-info
  std::vector<std::string>
      committed_roots;  // "node_modules", "package-lock.json": topmost, bounded
  std::vector<HeldChange> held;
  /// Of protected places, committed since the user asked for it: "TARGET" and path, bounded.
  std::vector<std::pair<std::string, std::string>> asked_for;
  std::uint64_t asked_for_count = 0;
  std::uint64_t stripped = 0;     // setuid/setgid bits, devices, sockets, FIFOs, foreign xattrs
  std::uint64_t dropped = 0;      // cache entries not taken over
  bool left_to_clean_up = false;  // with OldEntries::leave: clean_up() has something to do
};

/// How long to wait for another run, and whom to tell for whom, once.
struct LockPatience {
  std::chrono::seconds limit{0};
  std::function<void(const std::string& words)> on_wait = {};
};

/// Exclusive use of the targets for one run: flock(2) on a file per target in the state directory.
/// All or none: who waits holds none, so that two can't wait for each other. Throws UserError
/// naming the process that has it.
class TargetLocks {
 public:
  TargetLocks(const std::string& state_directory, const std::vector<Target>& targets,
              const LockPatience& patience = {});
  bool waited() const { return waited_; }

 private:
  bool waited_ = false;
  std::vector<base::UniqueFd> locks_;
};

/// Finishes or undoes commits that were interrupted (SIGKILL, power loss); says which in `sink`.
/// Call with the targets' locks held. Runs whose records can't be read are left as they are: these
/// are returned, in words for a person. Throws UserError if a target stays half-committed.
std::vector<std::string> recover_interrupted(const std::string& state_directory,
                                             const std::vector<Target>& targets,
                                             events::EventSink& sink);

/// Makes the directories for each target's layer. Throws SysError or UserError (state directory's
/// file system unfit for an overlay's upper layer).
std::vector<LayerDirectory> make_layers(const std::string& run_directory,
                                        const std::vector<Target>& targets);

/// All changes of one layer, read from the layer alone, no link followed.
std::vector<Change> read_changes(const LayerDirectory& layer);

/// What the commit replaced or removed takes seconds to delete (36,000 files on ext4: 2 s and
/// more). `leave`: where it is much, clean_up() does it later, or recover_interrupted() before the
/// targets' next run; but what lies in a target's own file system (staging) is removed at once.
/// `keep`: as `leave`, but what the project lost stays, so that undo_commit() can give it back.
enum class OldEntries { remove, leave, keep };

/// A package manager that the command started by itself (watch/nested_manager.h): what it changes
/// in its directory is judged by its own profile and words, too.
struct NestedCommand {
  std::string directory;
  std::vector<std::string> arguments;
  policy::TargetRules rules;
};

/// Of a command that changes global packages: see global_programs.h.
struct GlobalPlaces {
  policy::GlobalInstall install;
  std::string packages_upper;         // the layer of install.packages
  std::vector<std::string> searched;  // directories of PATH that come after install.programs
  bool only_package_manager_ran = false;
};

/// Places outside a target where a link may lead all the same: real paths.
struct KnownPlaces {
  /// Directories of programs that were shown read-only: the system's, toolchains'. A link to such a
  /// program, in a directory `bin`, is run, not written (python3 -m venv).
  std::vector<std::string> programs;
  std::vector<std::string> projects;  // targets of the command that are a project, or a further one
  std::optional<GlobalPlaces> global = {};
  /// Names of the project's own packages, the members of its workspace. Costs a look at each.
  std::function<std::set<std::string>()> own_packages = {};
};

struct CommitRequest {
  std::string run_directory;
  std::vector<LayerDirectory> layers;
  const policy::FilesystemPolicy* policy = nullptr;
  std::vector<std::string> arguments;  // of the command: some rules ask
  std::vector<NestedCommand> nested = {};
  bool commit = true;  // false: the command failed; only caches are kept
  /// Nothing but the package manager, or what the user typed, ran: policy::Author::asked.
  bool only_package_manager_ran = false;
  /// policy::is_release(): all or nothing, where the command's output would be taken over.
  bool is_release = false;
  bool no_package_ran = false;  // no package manager was asked for, and no script of a package seen
  /// Else who was running when an entry's inode changed (ns since 1970); empty: any package.
  std::function<policy::Author(std::int64_t changed_at)> author_at = {};
  /// Did no package's code write the file at `path` when it was last changed? Empty: it can't be
  /// told.
  std::function<bool(const std::string& path, std::int64_t changed_at)> no_package_wrote = {};
  /// May what is at `path` of a neighbour be taken over, which the rules would take over in a
  /// project? Of what was removed there is no time (INT64_MAX). Empty: no.
  std::function<bool(const std::string& path, std::int64_t changed_at)> is_neighbours_own = {};
  /// As far as anybody can tell, did no script write the file at `path` of a neighbour when it was
  /// last changed, the project's own included, but for those that were started in a directory that
  /// holds it? Empty: it can't be told.
  std::function<bool(const std::string& path, std::int64_t changed_at)> none_wrote_beside = {};
  /// Were scripts running at `at` that the package manager started in a directory that holds
  /// `path`, and no other? INT64_MAX: in all of the command. Empty: it can't be told.
  std::function<bool(const std::string& path, std::int64_t at)> was_made_at_home = {};
  /// Did no scripts run but the project's own? Empty: it can't be told.
  std::function<bool()> only_own_scripts_ran = {};
  /// Were scripts of these packages running at that time, and no other? Empty: it can't be told.
  std::function<bool(const std::vector<std::string>& packages, std::int64_t at)> made_by = {};
  KnownPlaces known = {};
  /// Directories that the command is to make (policy::TargetRules::makes), absolute. One that did
  /// not exist is committed as it is; a target that is one, whole.
  std::vector<std::string> new_places = {};
  std::vector<policy::LinkedProgram> linked_programs = {};  // see hard_links.h
  OldEntries old_entries = OldEntries::remove;
};

/// Judges and commits. Every process of the sandbox must be dead and its namespaces gone. All or
/// nothing per run: an error (full disk, conflict in the middle) is undone and thrown. What is held
/// stays in the layer, listed in `<run directory>/held`; an empty layer is removed.
CommitSummary commit_changes(const CommitRequest& request, events::EventSink& sink);

/// After commit_changes() has thrown: is the commit neither done nor undone? Then what comes next
/// in one of its targets, recover_interrupted(), does that.
bool is_commit_open(const std::string& run_directory);

/// Removes what a commit with OldEntries::leave has left. Does nothing if another process is at it.
void clean_up(const std::string& run_directory);
/// Is that all that keeps the run's commit from being over?
bool needs_clean_up_only(const std::string& run_directory);

/// Is what the run's commit replaced still there?
bool can_be_undone(const std::string& run_directory);
/// Gives back the tree from before the run's commit, all of it or nothing; what was committed is
/// held from then on. Call with the targets' locks held. Throws UserError: nothing is kept, or what
/// was committed has changed since (which is named); SysError (all is as before).
void undo_commit(const std::string& run_directory);
/// Removes what is kept for it if that takes more than `limit` bytes. Does nothing if another
/// process is at it.
void limit_replaced(const std::string& run_directory, std::uint64_t limit);
/// That has happened, so that undo_commit() has nothing to give back.
struct TooLarge {
  std::uint64_t limit = 0;           // bytes
  std::vector<std::string> targets;  // of the run
};
std::optional<TooLarge> too_large_to_undo(const std::string& run_directory);
std::string words_of(const TooLarge& what);
/// Removes what was kept for it. Does nothing if another process is at it.
void forget_replaced(const std::string& run_directory);

/// The held changes of a run, from its directory.
std::vector<HeldChange> read_held(const std::string& run_directory);
/// Commits or discards held changes: all, or those that `paths` name. A relative path is every
/// target's, an absolute one that of the target it lies in, or of all that lie in it. It names the
/// entry and all beneath; with "/." at its end the entry alone (a directory's mode). Throws
/// UserError for a path of which nothing is held, SysError (all is held as before).
CommitSummary commit_held(const std::string& run_directory, const std::vector<std::string>& paths,
                          events::EventSink& sink);
void discard_held(const std::string& run_directory, const std::vector<std::string>& paths,
                  events::EventSink& sink);

}  // namespace sandbox_run::workspace
