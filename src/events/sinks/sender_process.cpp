// The sender's side: a queue, one delivery at a time, pauses that grow while the receiver is down.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include "base/io.h"
#include "base/text.h"
#include "events/sinks/sender.h"

namespace sandbox_run::events {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class Sender {
 public:
  Sender(int socket, Transport& transport, const SenderLimits& limits)
      : socket_(socket), transport_(transport), limits_(limits), pause_(limits.first_pause) {}

  void run() {
    while (!ended_) {
      wait_and_read();
      if (!ended_ && is_due()) attempt(steady_clock::now() + limits_.attempt);
    }
    // One more try for all, but not at a receiver that did not even refuse the last one.
    const auto end = steady_clock::now() + limits_.end * 9 / 10;
    if (last_.timed_out) return;
    do {
      if (queue_.empty()) return;
      attempt(end);
    } while (last_.outcome == Delivery::Outcome::done && steady_clock::now() < end);
  }

  std::string result() const {
    return base::to_json(
        base::json::object{{"sent", sent_}, {"error", base::printable(error_).substr(0, 500)}});
  }

 private:
  bool is_full_batch() const { return queue_.size() >= transport_.batch(); }

  bool is_due() const {
    const auto now = steady_clock::now();
    return !queue_.empty() && now >= not_before_ && (is_full_batch() || now >= linger_until_);
  }

  int patience() const {
    if (queue_.empty()) return -1;
    const auto due =
        std::max(not_before_, is_full_batch() ? steady_clock::time_point::min() : linger_until_);
    const auto left = std::chrono::ceil<milliseconds>(due - steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  void wait_and_read() {
    pollfd readable{socket_, POLLIN, 0};
    const int ready = ::poll(&readable, 1, patience());
    if (ready == 0 || (ready < 0 && errno == EINTR)) return;
    char bytes[65536];
    const ssize_t got = ::read(socket_, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
      ended_ = true;
      return;
    }
    take(std::string_view(bytes, static_cast<std::size_t>(got)));
  }

  void take(std::string_view bytes) {
    while (true) {
      const std::size_t end = bytes.find('\n');
      partial_ += bytes.substr(0, end);
      if (end == std::string_view::npos) return;
      bytes.remove_prefix(end + 1);
      if (queue_.empty()) linger_until_ = steady_clock::now() + transport_.linger();
      if (queued_bytes_ + partial_.size() > limits_.queue_bytes) {
        error_ = error_.empty() ? "it is too slow" : error_;
      } else {
        queued_bytes_ += partial_.size();
        queue_.push_back(std::move(partial_));
      }
      partial_.clear();
    }
  }

  void attempt(steady_clock::time_point deadline) {
    const std::size_t count = std::min(queue_.size(), transport_.batch());
    const std::vector<std::string> lines(queue_.begin(),
                                         queue_.begin() + static_cast<std::ptrdiff_t>(count));
    last_ = transport_.deliver(lines, deadline);
    sent_ += last_.sent;
    for (std::size_t i = std::min(count, last_.sent + last_.rejected); i > 0; --i) {
      queued_bytes_ -= queue_.front().size();
      queue_.pop_front();
    }
    if (!last_.error.empty()) error_ = last_.error;
    const auto now = steady_clock::now();
    linger_until_ = now + transport_.linger();
    if (last_.outcome == Delivery::Outcome::try_later) {
      not_before_ = now + pause_;
      pause_ = std::min(pause_ * 2, limits_.longest_pause);
    } else {
      pause_ = limits_.first_pause;
    }
  }

  int socket_;
  Transport& transport_;
  const SenderLimits& limits_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::string partial_;
  bool ended_ = false;
  std::uint64_t sent_ = 0;
  std::string error_;
  Delivery last_;
  milliseconds pause_;
  steady_clock::time_point not_before_{};
  steady_clock::time_point linger_until_{};
};

}  // namespace

void run_sender(int socket, Transport& transport, const SenderLimits& limits) {
  Sender sender(socket, transport, limits);
  sender.run();
  try {
    base::write_full(socket, sender.result(), "telling what was sent");
  } catch (const std::exception&) {  // the supervisor is gone: there is nobody to tell
    return;
  }
}

}  // namespace sandbox_run::events
