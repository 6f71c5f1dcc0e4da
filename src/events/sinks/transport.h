#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

namespace sandbox_run::events {

/// What became of some lines.
struct Delivery {
  enum class Outcome {
    done,      // all that counts is settled
    try_later  // the rest is worth another try: the receiver is not there, or is too busy
  };
  Outcome outcome = Outcome::done;
  std::size_t sent = 0;      // from the first line on: these the receiver has
  std::size_t rejected = 0;  // the next ones, which it will never take
  std::string error;         // for people; "" if nothing went wrong
  bool timed_out = false;    // it did not even refuse: waiting is no use
};

/// A way to a receiver outside this process. Lives in a sender's own process (sender.h): it may
/// block until its deadline, and allocate, but not throw.
class Transport {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  /// `lines`: event lines without newlines, at most batch() of them, never none.
  virtual Delivery deliver(std::span<const std::string> lines, Deadline deadline) = 0;
  /// How many lines go together.
  virtual std::size_t batch() const { return 64; }
  /// How long to wait for more lines before fewer are sent.
  virtual std::chrono::milliseconds linger() const { return std::chrono::milliseconds(0); }
};

}  // namespace sandbox_run::events
