#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "base/unique_fd.h"
#include "events/event.h"

namespace sandbox_run::watch {

/// When scripts end: a script.finished for each process that a package manager started for one, by
/// its pidfd (pidfd_open(2)); we are not its parent. Told are how long it took; the processor time
/// of it and of the children that it waited for, if it could be read before its parent had reaped
/// it; the memory of the largest of its processes that ended by themselves; and exit code or
/// signal, by that reading or, since Linux 6.15, by PIDFD_GET_INFO; and if something of the actor
/// goes on.
class ScriptEnds {
 public:
  /// Does anything of the actor run, but for this process?
  using GoesOn = std::function<bool(const events::Actor& actor, int but_for)>;

  /// `sink` outlives it. Throws SysError.
  ScriptEnds(events::EventSink& sink, GoesOn goes_on);

  /// `started`: the script.started, with its process, recorded or not. More than a bound at once
  /// are not followed.
  void follow(const events::Event& started);
  bool follows_any() const { return !followed_.empty(); }
  /// A process of `actor` is about to end by itself, and had as much memory at most.
  void note_memory(const events::Actor& actor, std::int64_t kilobytes);
  /// A process of `actor` ends by itself now: what it did is over.
  void note_exit(const events::Actor& actor);
  /// Readable when one has ended: call on_readable().
  int fd() const { return poll_.get(); }
  bool on_readable();
  /// Every process is dead: tells the rest.
  void finish();

 private:
  struct Followed {
    std::optional<std::chrono::system_clock::time_point> last_exit;
    base::UniqueFd pidfd;
    events::Event finished;  // as far as it is known
    std::chrono::steady_clock::time_point began;
    std::int64_t peak_memory_kb = 0;
    bool has_ended = false;
  };
  using Entry = std::map<std::uint64_t, Followed>::iterator;

  void note_end(Followed& script) const;
  static void note_code(Followed& script, int status);
  void tell(Entry script);

  events::EventSink& sink_;
  GoesOn goes_on_;
  base::UniqueFd poll_;
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, Followed> followed_;
};

}  // namespace sandbox_run::watch
