#pragma once

#include <compare>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// sandbox-run.lock: what the scripts of each package did, learned once and compared with each later
// run. A hijacked release of a known package shows itself by what it does anew (man/sandbox-run.1,
// BEHAVIOUR LOCK). Data and pure decisions: who did what comes from the run's events.

namespace sandbox_run::policy {

/// One kind of act, and what it was done to. Strings here are printable, as those of events are.
struct Act {
  enum class Kind {
    script,  // a lifecycle script that ran: "postinstall"
    exec,    // a program's name without its directory: "node"
    host,    // what it reached or tried: "host:port"; "host" where it was only looked up
    file,    // a path outside the package's own directory, "~/…" or below the project
    decoy    // a decoy that it opened: "~/.aws/credentials"
  };
  Kind kind = Kind::script;
  std::string what;
  auto operator<=>(const Act&) const = default;
};

/// Whose acts: a package's lifecycle scripts, or the build of a Python distribution.
struct Doer {
  enum class Kind { script, build };
  Kind kind = Kind::script;
  std::string name;
  std::string version;
  auto operator<=>(const Doer&) const = default;
};

struct PackageBehaviour {
  Doer doer;
  std::set<Act> acts;
};

/// Sorted by doer; each doer once.
struct BehaviourLock {
  std::vector<PackageBehaviour> packages;

  /// The acts of `doer`, made if there are none yet.
  std::set<Act>& acts_of(const Doer& doer);
};

/// The text of a lock file. Throws UserError "FILE:LINE:COLUMN: words" on any mistake.
BehaviourLock parse_behaviour_lock(std::string_view text, const std::string& origin);

/// As a file: TOML, sorted, one act a line, so that a diff shows one change a line. The same lock
/// always gives the same bytes.
std::string to_toml(const BehaviourLock& lock);

/// What differs from the lock.
struct Deviation {
  enum class Kind {
    unknown_package,  // its scripts ran, and the lock knows no version of it
    new_version,      // an unlocked version did what no locked version of the package did
    new_act           // a locked version did what it had not done before
  };
  Kind kind = Kind::new_act;
  Doer doer;
  std::set<Act> acts;  // the new ones
};

/// What `seen` has that `lock` does not. What the lock has and was not seen is no deviation: a
/// cached build runs fewer programs. A new version that does nothing new is none either.
std::vector<Deviation> deviations(const BehaviourLock& lock, const BehaviourLock& seen);

/// `lock` after a learning run: the packages seen in it replace what the lock had of them in other
/// versions; a version seen again keeps what it had, and gains what is new. What was not seen
/// stays.
BehaviourLock learn(const BehaviourLock& lock, const BehaviourLock& seen);

/// "runs 'curl'", "opened the decoy ~/.aws/credentials": for people; made printable.
std::string to_words(const Act& act);

}  // namespace sandbox_run::policy
