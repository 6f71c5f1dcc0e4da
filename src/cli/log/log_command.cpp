#include "cli/log/log_command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/log/log_view.h"
#include "cli/log/verify.h"
#include "cli/run_log.h"
#include "cli/state.h"
#include "events/words.h"

namespace sandbox_run::cli {
namespace {

constexpr int kLookAgainMilliseconds = 1000;

std::ifstream open_log_file(const std::string& path) {
  std::ifstream log(path, std::ios::binary);
  if (!log || base::is_directory(path)) {
    throw base::UserError("cannot read the log " + base::printable(path) + ": " +
                          std::generic_category().message(log ? EISDIR : errno));
  }
  return log;
}

EventFilter filter_of(const LogOptions& options) {
  return {options.which == LogOptions::Which::alerts, options.actor};
}

/// A line of JSON as it stands in the log, if it is one: a forged one could hold control
/// characters.
void print_json(std::ostream& out, const base::json::object& event) {
  out << base::to_json(event) << "\n";
}

int print_whole(const std::string& path, const LogOptions& options) {
  std::ifstream log = open_log_file(path);
  const EventFilter filter = filter_of(options);
  LogView view(Style::for_stream(STDOUT_FILENO));
  for (LogLine line; read_log_line(log, line);) {
    if (options.form != LogOptions::Form::json) {
      view.add(line, filter);
      continue;
    }
    const auto event = parse_log_event(line);
    if (event && filter.accepts(*event)) print_json(std::cout, *event);
  }
  view.print(std::cout);
  return kOk;
}

/// False if the run whose log it is is surely over, whatever the log says: it may have been killed.
bool may_go_on(const std::string& log_path) {
  if (base::file_name(log_path) != kLogName) return true;  // a file of the user's own
  return !RunInUse::alone(base::parent_path(log_path));
}

/// Waits until the file may have grown.
class FileWatch {
 public:
  explicit FileWatch(const std::string& path) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (fd_) ::inotify_add_watch(fd_.get(), path.c_str(), IN_MODIFY | IN_CLOSE_WRITE);
  }
  void wait() const {
    // Without inotify (all watches are used up): by the clock.
    pollfd changed{fd_.get(), POLLIN, 0};
    ::poll(&changed, 1, kLookAgainMilliseconds);
    char events[4096];
    while (::read(fd_.get(), events, sizeof events) > 0) {
    }
  }

 private:
  base::UniqueFd fd_;
};

int follow(const std::string& path, const LogOptions& options) {
  const FileWatch watch(path);
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) open_log_file(path);  // says why
  const EventFilter filter = filter_of(options);
  const Style style = Style::for_stream(STDOUT_FILENO);
  std::string rest;
  bool ended = false;
  while (true) {
    char bytes[65536];
    const ssize_t got = ::read(file.get(), bytes, sizeof bytes);
    if (got <= 0) {
      if (ended) return kOk;
      ended = !may_go_on(path);  // look once more: its last lines may just have come
      if (!ended) watch.wait();
      continue;
    }
    if (rest.size() > kLongestLogLine) rest.clear();  // no log of ours: its lines are shorter
    rest.append(bytes, static_cast<std::size_t>(got));
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      const auto event = parse_log_event({rest.substr(0, end)});
      rest.erase(0, end + 1);
      if (!event) continue;
      ended = ended || events::text_member(*event, "type") == "run.finished";
      if (!filter.accepts(*event)) continue;
      if (options.form == LogOptions::Form::json) {
        print_json(std::cout, *event);
      } else {
        std::cout << follow_line(*event, style) << "\n";
      }
      std::cout.flush();
    }
  }
}

int verify(const std::string& path) {
  std::ifstream log = open_log_file(path);
  const auto head = base::read_file_if_readable(log_head_path(base::parent_path(path)), 4096);
  const Verification result = verify_log(
      log, head && base::file_name(path) == kLogName ? events::parse_link(*head) : std::nullopt);
  std::cout << base::printable(path) << ": " << result.words << "\n";
  return result.exit_code;
}

}  // namespace

std::string log_file_of(const std::string& name, const FindRun& find_run) {
  if (name.find('/') != std::string::npos) return name;
  return log_path(find_run(name));
}

int log_command(const Options& options, const FindRun& find_run) {
  if (options.operands.size() > 1) {
    throw base::UserError("one run at a time: '" + base::printable(options.operands[1]) +
                          "' is too much");
  }
  const std::string path =
      log_file_of(options.operands.empty() ? "" : options.operands.front(), find_run);
  if (options.log.form == LogOptions::Form::verify) return verify(path);
  return options.log.follow == LogOptions::Follow::yes ? follow(path, options.log)
                                                       : print_whole(path, options.log);
}

}  // namespace sandbox_run::cli
