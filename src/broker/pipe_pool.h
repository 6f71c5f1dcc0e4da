#pragma once

#include <vector>

#include "base/unique_fd.h"

namespace sandbox_run::broker {

/// Pipes for splice(2). A direction of a flow has one only while bytes are under way in it, so that
/// a thousand idle flows hold two descriptors each, not six.
class PipePool {
 public:
  /// Empty, non-blocking. Throws SysError (no descriptors left).
  base::Pipe take();
  /// `pipe` must have been drained.
  void give_back(base::Pipe pipe);

 private:
  std::vector<base::Pipe> spare_;
};

}  // namespace sandbox_run::broker
