#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "events/actor.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {

/// Which process belongs to which actor.
///
/// Forks are not seen, only execs: a process that was not seen itself has the actor of its nearest
/// known ancestor. One whose ancestors are gone (double fork) is found by its session, its process
/// group, or by the arguments and environment of the image it was forked from. What is then still
/// unclear is "unknown", never the package manager's: being orphaned must not whitewash.
class ProcessTable {
 public:
  /// `process` has execed, or is about to: `arguments` become those of its image.
  void set(const ProcessId& process, const events::Actor& actor,
           const std::vector<std::string>& arguments);
  /// By pid on the host.
  events::Actor actor_of(int pid);
  events::Actor actor_of(const ProcessStatus& process);
  /// The same as far as it is certain: by itself or its nearest known ancestor, and no guess.
  std::optional<events::Actor> by_descent(const ProcessStatus& process);
  /// Those that live and are known to have another actor.
  std::vector<ProcessId> of_others(const events::Actor& actor) const;
  /// Does a process that is known to be the actor's live, but for this one?
  bool has_living(const events::Actor& actor, int but_for) const;
  /// Known directly (not by an ancestor).
  const events::Actor* find(const ProcessId& process) const;

 private:
  struct Known {
    std::uint64_t start = 0;
    events::Actor actor;
  };

  std::optional<events::Actor> by_leaders(const ProcessStatus& status) const;
  std::optional<events::Actor> by_environment(int pid) const;
  std::optional<events::Actor> by_image(int pid) const;
  events::Actor actor_of_orphan(const ProcessStatus& status) const;
  void remember(const ProcessId& process, const events::Actor& actor);
  void forget_dead();

  std::unordered_map<int, Known> known_;  // also dead ones: they may lead sessions
  std::size_t forget_at_ = 16384;
  std::vector<events::Actor> suspects_;  // every actor so far that is not the package manager
  // A hash of argv → whose image it is; nullopt: of more than one.
  std::unordered_map<std::size_t, std::optional<events::Actor>> images_;
};

}  // namespace sandbox_run::watch
