#pragma once

#include "base/unique_fd.h"

namespace sandbox_run::base {

/// For a descriptor whose last close(2) waits long in the kernel: 8 to 24 ms for RCU, measured of a
/// packet socket (synchronize_net() in net/packet/af_packet.c) and of an inotify instance that has
/// watched something (fsnotify_destroy_group() in fs/notify/group.c). The file gets one more
/// reference, in a message that nobody can receive any more. Once all descriptors of it are closed,
/// destroy this: then the kernel's collector of such messages (unix(7), SCM_RIGHTS) closes the file
/// in a thread of its own. Linux before 6.9 collects in close(2), and waits as it would without.
class DeferredClose {
 public:
  /// Throws SysError.
  explicit DeferredClose(int fd);

 private:
  // In this order: what is destroyed last sets off the collector.
  UniqueFd trigger_;
  UniqueFd queue_;  // holds the file and itself
};

}  // namespace sandbox_run::base
