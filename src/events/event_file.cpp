// Where event lines go.
//
// Must:     write a line by one write(2), so that lines of two writers of one O_APPEND file do not
// mix. Must not: throw, block for long, or die by SIGPIPE: a full disk, a closed pipe or a reader
// that
//           stands still is the log's trouble, not the run's. See pipe(7), write(2).

#include "events/event_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>

#include "base/sys_error.h"
#include "base/text.h"

namespace sandbox_run::events {
namespace {

constexpr std::string_view kDescriptorPrefix = "fd:";

std::string in_words(int error_number) { return std::generic_category().message(error_number); }

base::UniqueFd open_descriptor(std::string_view where) {
  const std::string_view digits = where.substr(kDescriptorPrefix.size());
  int number = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0) {
    throw base::UserError("--events " + base::printable(where) +
                          ": after 'fd:' comes the number of an open descriptor, as in fd:3");
  }
  const int flags = ::fcntl(number, F_GETFL);
  if (flags < 0) {
    throw base::UserError(
        "--events " + base::printable(where) +
        ": no such descriptor is open; open it in the shell, as in 3>events.jsonl");
  }
  if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH) != 0) {
    throw base::UserError("--events " + base::printable(where) +
                          ": the descriptor is not open for writing");
  }
  struct stat status {};
  const bool known = ::fstat(number, &status) == 0;
  const bool waits = known && (S_ISFIFO(status.st_mode) || ::isatty(number) != 0);
  if (waits || (known && S_ISREG(status.st_mode))) {
    // An open file description of our own: O_NONBLOCK and O_APPEND on it are nobody else's concern.
    const std::string link = "/proc/self/fd/" + std::to_string(number);
    const int own =
        ::open(link.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | (waits ? O_NONBLOCK : 0));
    if (own >= 0) return base::UniqueFd(own);
  }
  return base::duplicate(number);
}

/// A signal kept off this thread while it lives; one that our own write raised is taken away.
/// SIGPIPE, and SIGTTOU: the command has the terminal, so that with `stty tostop` a write would
/// stop the supervisor.
class NoSignal {
 public:
  explicit NoSignal(int signal) {
    ::sigemptyset(&signal_);
    ::sigaddset(&signal_, signal);
    sigset_t pending;
    ::sigemptyset(&pending);
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, signal) == 1;
    ::pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  NoSignal(const NoSignal&) = delete;
  NoSignal& operator=(const NoSignal&) = delete;
  ~NoSignal() {
    const int error_number = errno;
    const timespec at_once{};
    if (!was_pending_) {
      while (::sigtimedwait(&signal_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error_number;
  }

 private:
  sigset_t signal_;
  sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace

base::UniqueFd open_event_file(std::string_view where) {
  if (where.substr(0, kDescriptorPrefix.size()) == kDescriptorPrefix) {
    return open_descriptor(where);
  }
  if (where.empty() || where.find('\0') != std::string_view::npos) {
    throw base::UserError("--events needs a file's path or fd:N");
  }
  // O_NONBLOCK: opening a named pipe that nobody reads must not hang.
  const int fd = ::open(std::string(where).c_str(),
                        O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
  if (fd < 0) {
    const std::string why =
        errno == ENXIO ? "nobody has opened this pipe for reading" : in_words(errno);
    throw base::UserError("cannot write events to " + base::printable(where) + ": " + why);
  }
  return base::UniqueFd(fd);
}

EventFile::EventFile(base::UniqueFd fd, std::chrono::milliseconds patience, FileState state)
    : fd_(std::move(fd)), torn_(state == FileState::torn), patience_(patience) {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) return;
  if (S_ISFIFO(status.st_mode)) kind_ = Kind::pipe;
  if (S_ISSOCK(status.st_mode)) kind_ = Kind::socket;
  if (::isatty(fd_.get()) != 0) kind_ = Kind::terminal;
}

void EventFile::fail(int error_number) {
  if (!failure_) {
    failure_ = error_number == EAGAIN ? "the reader of the events is too slow"
                                      : "writing events: " + in_words(error_number);
  }
  if (error_number == EPIPE || error_number == ECONNRESET) fd_.reset();  // it will not come back
}

bool EventFile::wait_until_writable() {
  using Clock = std::chrono::steady_clock;
  pollfd ready{fd_.get(), POLLOUT, 0};
  const auto start = Clock::now();
  const int count = ::poll(&ready, 1, static_cast<int>(patience_.count()));
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  patience_ = std::max(std::chrono::milliseconds(0), patience_ - spent);
  return count > 0;
}

long EventFile::write_once(std::string_view bytes) const {
  if (kind_ == Kind::socket) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  if (kind_ == Kind::pipe || kind_ == Kind::terminal) {
    const NoSignal quiet(kind_ == Kind::pipe ? SIGPIPE : SIGTTOU);
    return ::write(fd_.get(), bytes.data(), bytes.size());
  }
  return ::write(fd_.get(), bytes.data(), bytes.size());
}

void EventFile::write_line(std::string_view line) {
  if (!fd_) return;
  std::string repaired;
  if (torn_) {  // so that a line lost half-way spoils no other
    repaired = "\n" + std::string(line);
    line = repaired;
  }
  // A pipe or terminal of somebody else's may be a blocking one: ask before each write.
  if ((kind_ == Kind::pipe || kind_ == Kind::terminal) && !wait_until_writable())
    return fail(EAGAIN);
  bool started = false;
  while (!line.empty()) {
    const long put = write_once(line);
    if (put > 0) {
      line.remove_prefix(static_cast<std::size_t>(put));
      started = true;
      torn_ = !line.empty();
      continue;
    }
    if (put < 0 && errno == EINTR) continue;
    const int error_number = put == 0 ? ENOSPC : errno;
    if (error_number == EAGAIN && wait_until_writable()) continue;
    torn_ = torn_ || started;
    return fail(error_number);
  }
}

}  // namespace sandbox_run::events
