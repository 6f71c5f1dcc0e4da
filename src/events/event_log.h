#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "events/chain.h"
#include "events/event.h"
#include "events/sink.h"

namespace sandbox_run::events {

/// How much one run may write. A package decides how often it does a thing, so each is bounded; and
/// each has a bound of its own, so that nobody hides what another does, or what he does next.
struct EventLimits {
  std::uint64_t lines = 10'000;           // of one type, severity and actor
  std::uint64_t bytes = 16U << 20;        // of one type, severity and actor
  std::uint64_t all_bytes = 512U << 20;   // of all that is no alert
  std::uint64_t alert_bytes = 64U << 20;  // of all alerts
  std::size_t tallies = 20'000;           // types, severities and actors that are told apart
  /// A package's script, or a build, that does a thing so many times more often than is written
  /// floods the log; one that is refused it, at once.
  std::uint64_t flood_factor = 10;
  std::size_t string_bytes = 4096;     // longer strings are cut, visibly
  std::size_t list_entries = 64;       // longer lists are cut, visibly
  std::size_t line_bytes = 64U << 10;  // of a line; beyond, its details and argv are left out
  std::size_t alerts_kept = 20;        // see EventLog::alerts()
};

/// The event log: one JSON object a line, to every sink at once. The format is
/// man/sandbox-run-events.5. Each line holds the digest of the one before it (chain.h).
///
/// Must:     make every string safe UTF-8 without control characters; count what it leaves out.
/// Must not: throw or block for a sink's sake.
class EventLog : public EventSink {
 public:
  /// `files`: descriptors to write lines to. If the first is a regular file that ends in a line of
  /// this run, numbers and digests go on from there.
  EventLog(const std::string& run_id, std::vector<base::UniqueFd> files, EventLimits limits = {});
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  ~EventLog() override;

  void add_sink(std::unique_ptr<Sink> sink) { sinks_.push_back(std::move(sink)); }

  void record(const Event& event) override;
  /// Writes one limit.reached for each type and actor of which lines were left out since the last
  /// call, with the count so far. Call before run.finished; finish() does what is left.
  void record_left_out();
  /// Where the alert about a flood is handed in, once for each actor and type; else it is recorded
  /// here.
  void on_flood(std::function<void(const Event&)> tell) { tell_flood_ = std::move(tell); }

  /// How many were recorded, also those whose lines were left out.
  std::uint64_t count(std::string_view type) const;
  std::uint64_t count(Severity severity) const;
  /// Lines that were not written.
  std::uint64_t left_out() const;
  /// The first alerts, bounded.
  const std::vector<Event>& alerts() const { return alerts_; }
  /// After the last event: what sinks still have under way is sent, for a bounded time. The
  /// destructor does it if nobody did.
  void finish();
  /// What went wrong, a line in words for each sink that lost something.
  std::vector<std::string> failures() const;
  /// The last line that was written.
  const ChainLink& head() const { return head_; }

 private:
  struct Tally {
    std::uint64_t seen = 0;
    std::uint64_t bytes = 0;
    std::uint64_t left_out = 0;
    std::uint64_t left_out_reported = 0;
    bool is_flood = false;
    std::optional<Actor> actor = {};
  };
  /// Type, severity, the actor in words.
  using Key = std::tuple<std::string, Severity, std::string>;

  base::json::object object_for(const Event& event) const;
  /// Returns the line's length.
  std::size_t write(const Event& event);
  Tally& tally_of(const Event& event);
  bool has_room(const Tally& tally, Severity severity) const;
  Event left_out_event(const Key& key, Tally& tally) const;
  void leave_out(const Event& event, Tally& tally);

  std::string run_id_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  EventLimits limits_;
  ChainLink head_;
  bool finished_ = false;
  std::map<Key, Tally> tallies_;
  std::uint64_t bytes_ = 0;
  std::uint64_t alert_bytes_ = 0;
  std::function<void(const Event&)> tell_flood_;
  std::array<std::uint64_t, 3> by_severity_{};
  std::vector<Event> alerts_;
};

}  // namespace sandbox_run::events
