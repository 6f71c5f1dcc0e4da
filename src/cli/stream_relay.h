#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "broker/event_loop.h"
#include "sandbox/launch.h"

namespace sandbox_run::cli {

/// A standard stream that is a regular file is not handed in but relayed through a pipe:
/// /proc/self/fd/1 would let a script open the caller's log anew, read what was logged before, or
/// truncate it (A053, A054). Terminals, pipes and sockets are passed as they are.
class StreamRelay {
 public:
  /// `closed[n]`: the caller's descriptor n is closed; it stays closed inside.
  explicit StreamRelay(const std::array<bool, 3>& closed);

  /// For launch().
  sandbox::StandardStreams inner() const;
  /// After launch(): lets go of the inner ends and starts relaying.
  void start(broker::EventLoop& loop);
  /// After the sandbox's end: what is still in the pipes.
  void drain();

 private:
  struct Output {
    base::Pipe pipe;
    int to = -1;
    bool failed = false;
  };
  static bool pump(Output& output);
  bool feed();

  std::array<bool, 3> closed_;
  base::Pipe input_;  // used if the standard input is a regular file
  std::vector<std::unique_ptr<Output>> outputs_;
  std::array<Output*, 3> output_of_{};  // nullptr: handed in as it is
};

}  // namespace sandbox_run::cli
