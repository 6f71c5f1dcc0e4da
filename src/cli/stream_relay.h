#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "broker/event_loop.h"
#include "sandbox/launch.h"

namespace sandbox_run::cli {

/// Pipes, terminals and /dev/null are handed in as they are. A regular file or a socket is relayed
/// through a pipe: /proc/self/fd/1 would let a script open the caller's log anew, read what was
/// logged before, or truncate it (A053, A054); a socket lives in the host's network and could be
/// connected again. Anything else (a directory is a way to the host's whole tree) is refused:
/// UserError.
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
  void feed_when_possible();
  bool read_some();
  bool write_some();

  std::array<bool, 3> closed_;
  broker::EventLoop* loop_ = nullptr;
  base::Pipe input_;     // used if the standard input is relayed
  std::string pending_;  // read from it, not yet written
  std::vector<std::unique_ptr<Output>> outputs_;
  std::array<Output*, 3> output_of_{};  // nullptr: handed in as it is
};

}  // namespace sandbox_run::cli
