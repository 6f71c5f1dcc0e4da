#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/unique_fd.h"
#include "broker/asio.h"
#include "broker/inspector.h"
#include "broker/pipe_pool.h"
#include "broker/screen.h"

// Carries bytes between two connected sockets. Each direction goes its own way:
//
//   wait for input ──► [look] ──► splice in ──► splice out ──► (pipe empty) wait for input
//                         │              └─ no room ──► wait for room ──► splice out
//                         └─ end of file ──► shutdown(SHUT_WR) of the other side: the half-close is
//                                            passed on, the other direction goes on
//
// The relay ends when both directions have; an error of either socket ends both at once. Where a
// screen watches a direction, no more is spliced in than it lets pass.
//
// Must:     hold at most one pipe of bytes each way (a slow reader stops its writer, nothing else);
//           pass a reset on as a reset.
// Must not: take bytes into its own memory; let one busy flow keep the loop from the others.

namespace sandbox_run::broker {

class TcpRelay : public std::enable_shared_from_this<TcpRelay> {
 public:
  enum class End { finished, client_lost, upstream_lost, out_of_resources, refused };

  struct Screening {
    std::unique_ptr<Screen> screen;    // none: all passes
    std::uint64_t passed = 0;          // of the client's bytes, by a look that it already had
    std::span<std::uint8_t> buffer{};  // see Inspector; outlives the relay
  };

  /// `pool` outlives the relay. The sockets are non-blocking.
  TcpRelay(Descriptor client, Descriptor upstream, PipePool& pool, Screening screening);

  /// `on_end` is called once, from the loop, when nothing more is carried.
  void start(std::function<void(End)> on_end);
  /// Resets both connections; `on_end` is not called.
  void abort();

  std::uint64_t bytes_up() const { return ways_[0].moved; }    // client → upstream
  std::uint64_t bytes_down() const { return ways_[1].moved; }  // upstream → client
  std::chrono::steady_clock::time_point last_activity() const { return last_activity_; }
  const Objection& objection() const { return objection_; }  // after End::refused

 private:
  enum class Step { moved, needs_input, needs_room, held, refused, ended, input_lost, output_lost };
  struct Way {
    Descriptor* source;
    Descriptor* sink;
    base::Pipe pipe;  // held only while not empty, or about to be filled
    std::size_t in_pipe = 0;
    std::uint64_t moved = 0;
    std::uint64_t allowed = Verdict::kAll;  // may be spliced in before the next look
    std::optional<Inspector> inspector = std::nullopt;
    bool held = false;
    bool ended = false;
  };

  void pump(std::size_t way_index);
  Step step(Way& way);
  Step look(Way& way);
  void screen_way(Way& way, Direction direction, std::uint64_t passed);
  void resume_held();
  static Step fill(Way& way);
  static Step drain(Way& way);
  void end_way(Way& way);
  void finish(End end);
  void after_others(std::function<void()> act);
  void close_who_waits(End end);
  void close_sockets(End end);
  static void close_socket(Descriptor& socket, End end);

  Descriptor client_;
  Descriptor upstream_;
  PipePool& pool_;
  Screening screening_;
  std::array<Way, 2> ways_;
  Objection objection_;
  std::function<void(End)> on_end_;
  std::chrono::steady_clock::time_point last_activity_ = std::chrono::steady_clock::now();
  bool closed_ = false;
};

/// Makes the coming close(2) of TCP `socket` send a reset: the peer sees an error, not an end.
void reset_on_close(int socket);

}  // namespace sandbox_run::broker
