// The supervisor's side of a sender: the process, and lines to it.

#include "events/sinks/sender.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/format.h"
#include "base/io.h"
#include "base/text.h"
#include "events/words.h"

namespace sandbox_run::events {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kPumpedAtLeast = 1U << 16;  // of pending_, before it is moved up
constexpr std::size_t kLongestResult = 4096;

/// Of the caller's: nothing but the socket. A terminal's signals are not for it, and it must not
/// keep the caller's pipes open; it ends when the socket does.
void become_sender(int socket) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_NAME, "events-sender");
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGPIPE}) {
    ::signal(signal, SIG_IGN);
  }
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {0, 1, 2}) ::dup2(nothing, fd);
  const auto own = static_cast<unsigned>(socket);
  if (own > 3) ::close_range(3, own - 1, 0);
  ::close_range(own + 1, ~0U, 0);
}

int milliseconds_until(steady_clock::time_point deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(0, left));
}

}  // namespace

SenderSink::SenderSink(std::string name, const MakeTransport& make, Severity least,
                       SenderLimits limits) noexcept
    : Sink(least), name_(std::move(name)), limits_(limits) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    error_ = std::generic_category().message(errno);
    return;
  }
  socket_.reset(ends[0]);
  base::UniqueFd theirs(ends[1]);
  pid_ = ::fork();
  if (pid_ == 0) {
    int code = 1;
    try {
      become_sender(theirs.get());
      const std::unique_ptr<Transport> transport = make();
      run_sender(theirs.get(), *transport, limits_);
      code = 0;
    } catch (...) {  // out of memory: the supervisor hears nothing, and says so
    }
    ::_exit(code);
  }
  if (pid_ < 0) {
    error_ = std::generic_category().message(errno);
    socket_.reset();
  }
}

SenderSink::~SenderSink() { end_process(); }

void SenderSink::end_process() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void SenderSink::write(const Record& record) {
  ++given_;
  if (!socket_) return;
  if (pending_.size() - taken_ + record.line.size() > limits_.queue_bytes) {
    if (error_.empty()) error_ = "it is too slow";
    return;
  }
  pending_ += record.line;
  pump();
}

void SenderSink::pump() {
  while (taken_ < pending_.size()) {
    const ssize_t put = ::send(socket_.get(), pending_.data() + taken_, pending_.size() - taken_,
                               MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) break;
    if (put < 0) {
      socket_.reset();
      return;
    }
    taken_ += static_cast<std::size_t>(put);
  }
  if (taken_ == pending_.size() || taken_ > kPumpedAtLeast) {
    pending_.erase(0, taken_);
    taken_ = 0;
  }
}

void SenderSink::close() {
  end_ = steady_clock::now() + limits_.end;
  if (!socket_) return;
  pump();
  if (pending_.empty()) ::shutdown(socket_.get(), SHUT_WR);
}

void SenderSink::finish() {
  while (socket_ && !pending_.empty()) {
    pollfd writable{socket_.get(), POLLOUT, 0};
    if (::poll(&writable, 1, milliseconds_until(end_)) <= 0) break;
    pump();
  }
  if (socket_) {
    ::shutdown(socket_.get(), SHUT_WR);
    read_result(end_);
  }
  end_process();
}

void SenderSink::read_result(steady_clock::time_point deadline) {
  std::string result;
  while (result.size() < kLongestResult) {
    pollfd readable{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&readable, 1, milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    char bytes[1024];
    const ssize_t got = ready > 0 ? ::read(socket_.get(), bytes, sizeof bytes) : 0;
    if (got <= 0) break;
    result.append(bytes, static_cast<std::size_t>(got));
  }
  const auto value = base::parse_json(result);
  if (!value || !value->is_object()) {
    if (error_.empty()) error_ = "it did not answer in time";
    return;
  }
  const base::json::object& object = value->get_object();
  sent_ = base::number_member(object, "sent").value_or(sent_);
  const std::string error = text_member(object, "error");
  if (!error.empty()) error_ = error;
}

std::optional<std::string> SenderSink::failure() const {
  if (sent_ >= given_) return std::nullopt;
  return base::format("{}: {} of {} events could not be sent{}; they are in the log", name_,
                      given_ - sent_, given_, error_.empty() ? "" : " (" + error_ + ")");
}

}  // namespace sandbox_run::events
