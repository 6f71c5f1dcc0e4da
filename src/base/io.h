#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace sandbox_run::base {

/// Whole file, at most `max_bytes` (EFBIG beyond). Throws SysError.
std::string read_file(const std::string& path, std::size_t max_bytes = 16U << 20);
/// As read_file; nullopt if there is no such file (ENOENT, ENOTDIR) or it may not be read (EACCES).
std::optional<std::string> read_file_if_readable(const std::string& path,
                                                 std::size_t max_bytes = 16U << 20);
/// Reads to the end of file, at most `max_bytes` (EFBIG beyond). Throws SysError.
std::string read_all(int fd, std::size_t max_bytes, std::string_view doing);

/// Writes all of `bytes`, resuming after EINTR and short writes, waiting where `fd` is
/// non-blocking. Throws SysError.
void write_full(int fd, std::string_view bytes, std::string_view doing);
/// Creates (O_EXCL is not used) or truncates `path` and writes `bytes`. Throws SysError.
void write_file(const std::string& path, std::string_view bytes, mode_t mode);
/// As write_file by a temporary name and rename(2): a reader sees the old or the new file, whole.
void write_file_atomically(const std::string& path, std::string_view bytes, mode_t mode);

/// One SCM_RIGHTS message over an AF_UNIX SOCK_SEQPACKET socket: `bytes` (at least one) and up to
/// 64 descriptors. Throws SysError. See unix(7).
void send_fds(int socket, std::string_view bytes, const std::vector<int>& fds);
struct ReceivedFds {
  std::string bytes;  // empty: the peer has closed
  std::vector<UniqueFd> fds;
};
ReceivedFds receive_fds(int socket);

}  // namespace sandbox_run::base
