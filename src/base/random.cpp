#include "base/random.h"

#include <sys/random.h>

#include <cerrno>

#include "base/sys_error.h"

namespace sandbox_run::base {

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t length = 0;
  while (length < count) {
    const ssize_t got = ::getrandom(bytes.data() + length, count - length, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SysError("asking for random bytes");
    length += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace sandbox_run::base
