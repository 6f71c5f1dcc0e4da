#include "broker/pipe_pool.h"

#include <fcntl.h>

#include <utility>

#include "broker/limits.h"

namespace sandbox_run::broker {

base::Pipe PipePool::take() {
  if (!spare_.empty()) {
    base::Pipe pipe = std::move(spare_.back());
    spare_.pop_back();
    return pipe;
  }
  base::Pipe pipe = base::make_pipe(O_NONBLOCK);
  // EPERM: the user's share of pipe memory is used up. A smaller pipe is only slower.
  (void)::fcntl(pipe.write_end.get(), F_SETPIPE_SZ, kPipeBytes);
  return pipe;
}

void PipePool::give_back(base::Pipe pipe) {
  if (spare_.size() < kSparePipes) spare_.push_back(std::move(pipe));
}

}  // namespace sandbox_run::broker
