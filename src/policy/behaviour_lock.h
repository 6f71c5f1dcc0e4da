#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
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
    decoy,   // a decoy that it opened: "~/.aws/credentials"
    file     // where it wrote outside its own directory: "node_modules/qr" (watch/write_place.h)
  };
  Kind kind = Kind::script;
  std::string what;
  friend bool operator==(const Act&, const Act&) = default;
  friend bool operator<(const Act& a, const Act& b) {
    return std::tie(a.kind, a.what) < std::tie(b.kind, b.what);
  }
};

/// Whose acts: a package's lifecycle scripts, or the build of a Python distribution.
struct Doer {
  enum class Kind { script, build };
  Kind kind = Kind::script;
  std::string name;
  std::string version;
  friend bool operator==(const Doer&, const Doer&) = default;
  friend bool operator<(const Doer& a, const Doer& b) {
    return std::tie(a.kind, a.name, a.version) < std::tie(b.kind, b.name, b.version);
  }
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
  bool contains(const Doer& doer) const;
};

/// The text of a lock file. Throws UserError "FILE:LINE:COLUMN: words" on any mistake.
BehaviourLock parse_behaviour_lock(std::string_view text, const std::string& origin);

/// As a file: TOML, sorted, one act a line, so that a diff shows one change a line. The same lock
/// always gives the same bytes.
std::string to_toml(const BehaviourLock& lock);

/// How an act differs from the lock.
enum class Deviation {
  unknown_package,  // its scripts ran, and the lock knows no version of it
  new_version,      // an unlocked version did what no locked version of the package did
  new_act           // a locked version did what it had not done before
};

/// nullopt: the lock knows it. What the lock has and was not done is no deviation: a cached build
/// runs fewer programs. A new version that does nothing new is none either.
std::optional<Deviation> deviation(const BehaviourLock& lock, const Doer& doer, const Act& act);

/// `lock` after a learning run: the packages seen in it replace what the lock had of them in other
/// versions; a version seen again keeps what it had, and gains what is new. What was not seen
/// stays.
BehaviourLock learn(const BehaviourLock& lock, const BehaviourLock& seen);

/// One line for each act that only one of the two has, sorted: "+ esbuild@0.25.0  runs the program
/// curl" if it is `after`, "- …" if it is `before`. "": they are the same.
std::string differences(const BehaviourLock& before, const BehaviourLock& after);

/// "runs the program curl", "opens the decoy ~/.aws/credentials".
std::string to_words(const Act& act);

}  // namespace sandbox_run::policy
