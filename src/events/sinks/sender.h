#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/unique_fd.h"
#include "events/sink.h"
#include "events/sinks/transport.h"

namespace sandbox_run::events {

struct SenderLimits {
  std::size_t queue_bytes = 16U << 20;         // of lines not yet sent, on each side
  std::chrono::milliseconds attempt{5000};     // one delivery, during the run
  std::chrono::milliseconds end{1000};         // all that is left, at its end
  std::chrono::milliseconds first_pause{250};  // after a failure; doubled each time
  std::chrono::milliseconds longest_pause{10'000};
};

/// Events for a receiver that may be slow, down or hostile: they are sent by a process of their
/// own, forked before anything runs in the sandbox, to which the supervisor writes without ever
/// waiting. So the supervisor stays single-threaded, resolves no names, talks to no collector,
/// loads no library for it, and can be confined; and what is stuck can be killed.
///
/// Must not: hold up the run: at its end alone, and for SenderLimits::end at most.
class SenderSink : public Sink {
 public:
  using MakeTransport = std::function<std::unique_ptr<Transport>()>;

  /// `name` is how failures call it. `make` is called in the sender's process. The calling process
  /// must have one thread. Never throws: without a process, all is "not sent".
  SenderSink(std::string name, const MakeTransport& make, Severity least,
             SenderLimits limits = {}) noexcept;
  ~SenderSink() override;

  void write(const Record& record) override;
  void close() override;
  void finish() override;
  std::optional<std::string> failure() const override;

 private:
  void pump();
  void read_result(std::chrono::steady_clock::time_point deadline);
  void end_process();

  std::string name_;
  SenderLimits limits_;
  pid_t pid_ = -1;
  base::UniqueFd socket_;
  std::string pending_;      // written by us, not yet taken by the socket
  std::size_t taken_ = 0;    // of pending_
  std::uint64_t given_ = 0;  // lines that were to be sent
  std::uint64_t sent_ = 0;   // as the sender says at its end
  std::string error_;
  std::chrono::steady_clock::time_point end_{};  // set by close()
};

/// The sender's side: reads lines from `socket` until its end, delivers them, and writes what
/// became of them, one JSON object, to `socket`.
void run_sender(int socket, Transport& transport, const SenderLimits& limits);

}  // namespace sandbox_run::events
