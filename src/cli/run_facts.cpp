#include "cli/run_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/json.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/log/log_reader.h"
#include "cli/run_log.h"
#include "cli/state.h"
#include "events/words.h"
#include "workspace/tree_walk.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;

// run.started is among the first lines, run.finished and what a person did among the last.
constexpr std::size_t kEdgeBytes = 256U << 10;

constexpr std::array kOutcomes{std::pair{RunOutcome::committed, std::string_view("committed")},
                               std::pair{RunOutcome::held, std::string_view("held")},
                               std::pair{RunOutcome::discarded, std::string_view("discarded")},
                               std::pair{RunOutcome::failed, std::string_view("failed")}};

void read_started(const json::object& details, RunLog& log) {
  log.started = true;
  log.directory = events::text_member(details, "directory");
  log.command = base::string_list(details, "command");
}

void read_finished(const json::object& details, RunLog& log) {
  log.finished = true;
  log.exit_code = static_cast<int>(base::number_member(details, "exit_code").value_or(0));
  log.committed = base::number_member(details, "committed").value_or(0);
  // A log of an earlier version has no outcome.
  log.outcome = log.exit_code == 0 ? RunOutcome::committed : RunOutcome::failed;
  const std::string word = events::text_member(details, "outcome");
  for (const auto& [outcome, name] : kOutcomes) {
    if (word == name) log.outcome = outcome;
  }
}

void read_line(const std::string& line, RunLog& log) {
  const auto event = parse_log_event({line});
  const json::object* details = event ? events::object_member(*event, "details") : nullptr;
  if (details == nullptr) return;
  const std::string type = events::text_member(*event, "type");
  if (type == "run.started" && !log.started) read_started(*details, log);
  if (type == "run.finished" && !log.finished) read_finished(*details, log);
  if (type == "held.committed") log.committed_later = true;
  if (type == "held.discarded") log.discarded_later = true;
  if (type == "run.undone") log.undone = true;
}

void read_lines(std::string_view text, RunLog& log) {
  for (const std::string& line : base::split(text, '\n')) {
    // Only these; a parse of 256 KiB of connections would be for nothing.
    if (line.find("\"run.") != std::string::npos || line.find("\"held.") != std::string::npos) {
      read_line(line, log);
    }
  }
}

std::string read_at(int fd, off_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got =
        ::pread(fd, bytes.data() + filled, size - filled, offset + static_cast<off_t>(filled));
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

RunLog read_edges(const std::string& path) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  const auto size = static_cast<std::size_t>(status.st_size);
  const std::string head = read_at(file.get(), 0, std::min(size, kEdgeBytes));
  if (size <= kEdgeBytes) return read_run_log(head, head);
  return read_run_log(head, read_at(file.get(), static_cast<off_t>(size - kEdgeBytes), kEdgeBytes));
}

}  // namespace

std::string_view to_word(RunState state) {
  switch (state) {
    case RunState::running:
      return "running";
    case RunState::interrupted:
      return "interrupted";
    case RunState::held:
      return "held";
    case RunState::committed:
      return "committed";
    case RunState::discarded:
      return "discarded";
    case RunState::failed:
      return "failed";
    case RunState::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view to_word(RunOutcome outcome) {
  for (const auto& [known, name] : kOutcomes) {
    if (known == outcome) return name;
  }
  return "failed";
}

RunLog read_run_log(std::string_view head, std::string_view tail) {
  RunLog log;
  log.empty = head.empty();
  read_lines(head, log);
  if (head.data() != tail.data()) read_lines(tail, log);
  return log;
}

RunState state_of(const RunLog& log, std::uint64_t held, bool unfinished, Use use) {
  if (use == Use::in_use && !log.finished) return RunState::running;
  if (unfinished) return use == Use::in_use ? RunState::running : RunState::interrupted;
  if (held > 0) return RunState::held;
  if (log.empty) return RunState::interrupted;  // before its first line
  if (!log.started && !log.finished) return RunState::unknown;
  if (!log.finished) return RunState::interrupted;
  if (log.outcome == RunOutcome::failed) return RunState::failed;
  // All that was held is settled by now.
  if (log.undone && !log.committed_later) return RunState::discarded;
  if (log.committed > 0 || log.committed_later) return RunState::committed;
  if (log.discarded_later || log.outcome == RunOutcome::discarded) return RunState::discarded;
  return RunState::committed;
}

std::uint64_t disk_usage(const std::string& directory) {
  constexpr std::uint64_t kBlock = 512;  // st_blocks' unit, whatever the file system's; stat(2)
  std::uint64_t bytes = 0;
  const auto add = [&](const struct stat& status) {
    bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlock /
             (S_ISDIR(status.st_mode) ? 1 : status.st_nlink);
  };
  try {
    const base::UniqueFd root =
        workspace::open_real_directory(base::real_path(directory).value_or(directory));
    workspace::PassableScope scope(root.get(), workspace::Access::as_it_is);
    workspace::TreeVisitor visitor;
    visitor.entry = [&](int fd, const std::string&, const char* name, unsigned char) {
      struct stat status {};
      if (!workspace::stat_entry(fd, name, status)) return workspace::Next::skip;
      add(status);
      const bool closed = S_ISDIR(status.st_mode) && ::faccessat(fd, name, R_OK | X_OK, 0) != 0;
      return closed ? workspace::Next::skip : workspace::Next::descend;
    };
    workspace::walk_tree("", scope, visitor);
  } catch (const std::exception&) {
    return bytes;  // being removed, or nested too deeply: as far as was counted
  }
  return bytes;
}

RunFacts gather_run(const std::string& run_directory) {
  RunFacts facts;
  facts.id = base::file_name(run_directory);
  facts.log = read_edges(log_path(run_directory));
  facts.bytes = disk_usage(run_directory);
  const Use use = RunInUse::alone(run_directory) ? Use::free : Use::in_use;
  try {
    facts.held = workspace::read_held(run_directory).size();
    // A commit that has only its old entries still to remove is complete.
    const bool unfinished =
        is_unfinished(run_directory) && !workspace::needs_clean_up_only(run_directory);
    facts.state = state_of(facts.log, facts.held, unfinished, use);
  } catch (const std::exception&) {
    facts.state = RunState::unknown;
  }
  return facts;
}

}  // namespace sandbox_run::cli
