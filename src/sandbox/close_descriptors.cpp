#include "sandbox/close_descriptors.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/sys_error.h"

namespace sandbox_run::sandbox {

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned from = 0;
  const auto close_up_to = [](unsigned first, unsigned last) {
    base::check_sys(::syscall(SYS_close_range, first, last, 0), "closing descriptors");
  };
  for (const int fd : kept) {
    if (fd < 0) continue;
    const auto next = static_cast<unsigned>(fd);
    if (next > from) close_up_to(from, next - 1);
    from = std::max(from, next + 1);
  }
  close_up_to(from, ~0U);
}

}  // namespace sandbox_run::sandbox
