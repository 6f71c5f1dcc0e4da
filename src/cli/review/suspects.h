#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/log/log_reader.h"
#include "events/event.h"
#include "policy/settle.h"
#include "workspace/held_view.h"

namespace sandbox_run::cli {

/// Who may have made a held change, as far as the run's log can tell.
///
/// A change carries no name. But the kernel's change time of an entry in the layer can't be set
/// from inside, so that no script that began later made it, and none that had ended and left
/// nothing running. Of those that are left, who was seen writing there (watch/write_watch.h) did;
/// else a command line that names the path says a good deal. But for the first it is a suspicion,
/// and worded as one.
///
/// `target` and `path`, of all questions: the target's directory and the path in it.
class Suspects {
 public:
  /// Reads the events of a log; lines that are none are passed over, all is bounded.
  explicit Suspects(std::istream& log);

  /// "evil@1.0.0 postinstall (its command names the file)". `changed_at`: ns since 1970, or
  /// kNoTime. Safe for a terminal.
  std::string words(std::string_view target, std::string_view path, std::int64_t changed_at) const;
  /// The same people, as a list (at most kMaxNamed); empty: the command itself.
  std::vector<std::string> names(std::string_view target, std::string_view path,
                                 std::int64_t changed_at) const;
  /// All whose scripts were running then: a second thread can hide a write from who looks, and a
  /// command line is its own to word.
  std::vector<std::string> running_at(std::int64_t changed_at) const;

  struct Only {
    events::Actor actor;
    bool was_seen = false;  // writing there
  };
  /// The one who is suspected, the package manager (or whatever the command was) if no script is;
  /// nullopt: of several.
  std::optional<Only> only(std::string_view target, std::string_view path,
                           std::int64_t changed_at) const;

  /// Whose scripts can have made a change at this time; never Author::asked.
  policy::Author author_at(std::int64_t changed_at) const;
  /// Did no script and no build of a package run? Programs of dependencies that the project's own
  /// scripts start are theirs.
  bool no_package_ran() const;
  /// Did no package's code write the file at `path` (absolute) when it was last changed? No script
  /// of a package was running then, but for one that was started in a directory that holds it (the
  /// build of `-e ../lib`). Where the clock of file times is too coarse to say, none was seen
  /// writing it.
  bool no_package_wrote(std::string_view path, std::int64_t changed_at) const;
  /// The same, of a file outside the project: whoever was seen writing anything there may have
  /// written it, too.
  bool no_package_wrote_beside(std::string_view path, std::int64_t changed_at) const;
  /// The same, and none of the project's own scripts either.
  bool none_wrote_beside(std::string_view path, std::int64_t changed_at) const;
  /// Were only scripts running at this time that the package manager started in a directory that
  /// holds `path` (absolute), and never elsewhere, and one at least? kNoTime: at any time.
  bool was_made_at_home(std::string_view path, std::int64_t at) const;
  /// Were scripts of these packages running at this time, and of nobody else?
  bool are_alone(const std::vector<std::string>& packages, std::int64_t at) const;
  /// Whose scripts ran.
  std::vector<std::string> packages() const;

  static constexpr std::int64_t kNoTime = INT64_MAX;
  static constexpr std::size_t kMaxNamed = 3;

 private:
  /// When its processes ran: pip starts one for each step of a build, and others in between.
  struct Span {
    std::int64_t started = kNoTime;
    std::int64_t ended = kNoTime;
    std::int64_t last_exit = kNoTime;  // before `ended`, which is when it was noticed
  };
  struct Script {
    std::string words;  // printable
    events::Actor actor;
    std::vector<Span> spans = {};  // by time; at least one
    /// A build that was started in the project's own directory, each time: the user's own setup.py.
    bool is_own_build = false;
    int running_ever = 0;                // starts of its scripts
    int running = 0;                     // of its scripts: the same may run in several places
    std::string commands;                // argv of what it ran, bounded; as in the log
    std::set<std::string> written = {};  // absolute paths, bounded; as in the log
    std::set<std::string> touched = {};  // those of orphans, too, which may be another's
    /// Directories that the package manager for certain started it in, bounded; as in the log.
    std::set<std::string> homes = {};
  };
  enum class Evidence { times, command, seen };
  struct Found {
    std::vector<const Script*> scripts;  // the last that started first
    Evidence evidence = Evidence::times;
  };
  void add(const LogLine& line);
  void note_gap(const LogLine& line);
  void follow(Script& script, const base::json::object& event) const;
  static bool is_projects(const Script& script);
  static void open_span(std::vector<Span>& spans, std::int64_t time);
  static bool may_run_at(const Script& script, std::int64_t at);
  bool is_own_at(const Script& script, const std::string& path) const;
  bool may_be_unseen(const Script& script) const;
  bool is_at_home(const Script& script, const std::string& path) const;
  bool was_seen_outside(const Script& script) const;
  enum class Whose { packages, all };
  /// `was_seen`: writing it, as far as that can be told.
  bool none_may_have_written(Whose whose, const std::string& path, std::int64_t changed_at,
                             const std::function<bool(const Script& script)>& was_seen) const;
  enum class Then { running, edge, no };
  static Then was_running(const Script& script, std::int64_t changed_at);
  std::vector<const Script*> running(std::int64_t changed_at) const;
  Found find(std::string_view target, std::string_view path, std::int64_t changed_at) const;

  std::vector<Script> scripts_;
  std::map<std::string, std::size_t> index_;
  std::string directory_;  // where the command was typed
  bool has_gaps_ = false;  // a script may have flooded the log before it did something
};

/// When the layer's entry changed, for Suspects: of a directory, the first file in it. kNoTime for
/// a removal.
std::int64_t change_time(const workspace::HeldView& view, const std::string& target,
                         const std::string& path);

}  // namespace sandbox_run::cli
