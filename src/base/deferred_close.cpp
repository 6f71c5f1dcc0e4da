#include "base/deferred_close.h"

#include "base/io.h"

namespace sandbox_run::base {

DeferredClose::DeferredClose(int fd) {
  SocketPair pair = make_socket_pair();
  trigger_ = std::move(pair.ours);
  queue_ = std::move(pair.theirs);
  send_fds(trigger_.get(), "-", {fd, queue_.get()});
}

}  // namespace sandbox_run::base
