#include "events/chain.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/digest.h"
#include "base/format.h"
#include "base/unique_fd.h"

namespace sandbox_run::events {
namespace {

namespace json = base::json;

constexpr off_t kTailBytes = 512 << 10;  // several lines: each is at most 64 KiB and a little
constexpr std::size_t kMaxRuns = 10'000;

std::optional<json::value> parse_event(std::string_view line) {
  auto value = base::parse_json(line);
  if (!value || !base::string_member(*value, "run") || !base::string_member(*value, "type") ||
      !base::string_member(*value, "prev_sha256") || !base::number_member(*value, "seq")) {
    return std::nullopt;
  }
  return value;
}

/// The last bytes of a regular file; "" of anything else.
std::string tail_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) return "";
  const base::UniqueFd file(
      ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC));
  std::string tail(static_cast<std::size_t>(std::min(status.st_size, kTailBytes)), '\0');
  const ssize_t got = ::pread(file.get(), tail.data(), tail.size(),
                              status.st_size - static_cast<off_t>(tail.size()));
  tail.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return tail;
}

/// Takes the last line off `text`, which ends without its newline afterwards.
std::string_view take_last_line(std::string_view& text) {
  const std::size_t newline = text.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  const std::string_view line = text.substr(start);
  text = text.substr(0, newline == std::string_view::npos ? 0 : newline);
  return line;
}

}  // namespace

LogEnd end_of_log(int fd, std::string_view run_id) {
  LogEnd end;
  const std::string tail = tail_of(fd);
  if (tail.empty()) return end;
  std::string_view rest = tail;
  std::uint64_t unreadable = 0;
  std::string last_digest;
  if (rest.back() == '\n') {
    rest.remove_suffix(1);
  } else {
    end.state = FileState::torn;
  }
  // The last line may be torn, now or by a crash before: its digest goes into the chain all the
  // same, its number is the one that it would have had.
  while (!rest.empty()) {
    const std::string_view line = take_last_line(rest);
    if (last_digest.empty()) last_digest = base::sha256_hex(line);
    const auto event = parse_event(line);
    if (!event) {
      ++unreadable;
      continue;
    }
    if (*base::string_member(*event, "run") != run_id) return end;
    end.head = {*base::number_member(*event, "seq") + unreadable, last_digest};
    return end;
  }
  return end;
}

std::string to_json_line(const ChainLink& link) {
  return base::to_json(json::object{{"seq", link.sequence}, {"sha256", link.sha256}}) + "\n";
}

std::optional<ChainLink> parse_link(std::string_view text) {
  const auto value = base::parse_json(text);
  if (!value) return std::nullopt;
  const auto sequence = base::number_member(*value, "seq");
  const auto digest = base::string_member(*value, "sha256");
  if (!sequence || !digest) return std::nullopt;
  return ChainLink{*sequence, *digest};
}

void ChainCheck::fail(std::string words) {
  if (!problem_) problem_ = {lines_, std::move(words)};
}

void ChainCheck::add(std::string_view line, LineEnd end) {
  ++lines_;
  const std::string digest = base::sha256_hex(line);
  const auto event = parse_event(line);
  if (event && end == LineEnd::newline) {
    check_event(*event, digest);
    unreadable_.clear();
    return;
  }
  if (end == LineEnd::end_of_file) {
    torn_ = true;
    return;
  }
  // Somebody's own line, or one that a crash tore before the log was gone on with: then the next
  // one holds its digest.
  if (!unreadable_.empty()) fail("this line is no event, nor is the one before it");
  unreadable_ = digest;
}

void ChainCheck::check_event(const json::value& event, const std::string& digest) {
  const std::string name = *base::string_member(event, "run");
  auto found = runs_.find(name);
  if (found == runs_.end()) {
    if (runs_.size() >= kMaxRuns) return fail("more runs in one file than can be checked");
    found = runs_.emplace(name, Run{}).first;
  }
  Run& run = found->second;
  const std::uint64_t sequence = *base::number_member(event, "seq");
  const std::string previous = *base::string_member(event, "prev_sha256");
  const bool over_torn_line = !unreadable_.empty() && previous == unreadable_;
  const std::uint64_t expected = run.head.sequence + (over_torn_line ? 2 : 1);
  if (!unreadable_.empty() && !over_torn_line) {
    --lines_;
    fail("this line is no event");
    ++lines_;
  } else if (run.head.sequence == 0 && sequence != expected) {
    fail(base::format("the log begins with number {}: what was before it is missing", sequence));
  } else if (sequence != expected) {
    fail(base::format("number {} follows number {}", sequence, run.head.sequence));
  } else if (!over_torn_line && previous != run.head.sha256) {
    fail(base::format("the line before it is not the one that was written as number {}",
                      run.head.sequence));
  }
  run.head = {sequence, digest};
  if (*base::string_member(event, "type") == "run.finished") run.finished = true;
  if (expected_ && *expected_ == run.head) run.holds_expected = true;
}

}  // namespace sandbox_run::events
