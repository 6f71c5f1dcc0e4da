#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

// The chain of digests that makes a log tamper-evident: each line holds, as prev_sha256, the
// SHA-256 of the line before it (its bytes without the newline), the first one 64 zeros. Whoever
// changes, removes or inserts a line has to change every later one; and the last digest is kept
// elsewhere (the run's events.head, --json's summary, a collector that got the lines).

namespace sandbox_run::events {

inline constexpr std::string_view kNoDigest =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// A line's number and digest.
struct ChainLink {
  std::uint64_t sequence = 0;
  std::string sha256 = std::string(kNoDigest);
  friend bool operator==(const ChainLink&, const ChainLink&) = default;
};

/// How a file ends that is to be appended to. torn: in the middle of a line.
enum class FileState { whole, torn };
struct LogEnd {
  ChainLink head;  // of the last line, if it is one of the run's; else the start of a chain
  FileState state = FileState::whole;
};
/// Reads the end of the file behind `fd`, which may be open for writing only. What is no regular
/// file, is empty or can't be read ends whole, and starts a chain.
LogEnd end_of_log(int fd, std::string_view run_id);

/// {"seq":12,"sha256":"…"}: what is kept of a log's end beside it. nullopt if `text` is not that.
std::string to_json_line(const ChainLink& link);
std::optional<ChainLink> parse_link(std::string_view text);

/// What was found about one line, 1 the first.
struct ChainProblem {
  std::uint64_t line = 0;
  std::string words;
};

/// Checks the lines of a log, fed one by one; of a file with the lines of several runs, each run's
/// chain by itself.
class ChainCheck {
 public:
  struct Run {
    ChainLink head;               // as far as it was read
    bool finished = false;        // run.finished is there
    bool holds_expected = false;  // the link that was expected is part of the chain
  };
  enum class LineEnd { newline, end_of_file };

  /// `expected`: what was kept beside the log of its end.
  explicit ChainCheck(std::optional<ChainLink> expected = {}) : expected_(std::move(expected)) {}

  /// `line` without its newline.
  void add(std::string_view line, LineEnd end);

  /// The first place where a chain breaks. A torn last line is none: a crash leaves one.
  const std::optional<ChainProblem>& problem() const { return problem_; }
  std::uint64_t lines() const { return lines_; }
  bool torn() const { return torn_; }
  const std::map<std::string, Run, std::less<>>& runs() const { return runs_; }

 private:
  void fail(std::string words);
  void check_event(const base::json::value& event, const std::string& digest);

  std::optional<ChainLink> expected_;
  std::map<std::string, Run, std::less<>> runs_;
  std::optional<ChainProblem> problem_;
  std::uint64_t lines_ = 0;
  std::string unreadable_;  // the digest of the line before, if it was no event
  bool torn_ = false;
};

}  // namespace sandbox_run::events
