#include "watch/socket_owners.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "base/unique_fd.h"
#include "watch/openers.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxTable = 4U << 20;

template <typename Number>
std::optional<Number> number_from(std::string_view text, int base) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::vector<std::uint64_t> inodes_at_port(std::string_view table, std::uint16_t port) {
  constexpr std::size_t kLocalAddress = 1;
  constexpr std::size_t kInode = 9;
  std::vector<std::uint64_t> inodes;
  for (const std::string& line : base::split(std::string(table), '\n')) {
    std::vector<std::string> fields = base::split(line, ' ');
    fields.erase(std::remove(fields.begin(), fields.end(), ""), fields.end());
    if (fields.size() <= kInode) continue;
    const std::string_view address = fields[kLocalAddress];
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos) continue;
    if (number_from<std::uint16_t>(address.substr(colon + 1), 16) != port) continue;
    const auto inode = number_from<std::uint64_t>(fields[kInode], 10);
    if (inode && *inode != 0) inodes.push_back(*inode);
  }
  return inodes;
}

std::vector<int> holders_of_udp_port(const ProcessId& init, std::uint16_t port) {
  // All sockets lie in one file system of the kernel's.
  const base::UniqueFd any(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  struct stat socket {};
  if (!any || ::fstat(any.get(), &socket) != 0) return {};
  std::vector<int> holders;
  for (const char* name : {"net/udp", "net/udp6"}) {
    for (const std::uint64_t inode :
         inodes_at_port(read_process_file(init.pid, name, kMaxTable), port)) {
      socket.st_ino = static_cast<ino_t>(inode);
      const std::vector<int> more = holders_of({init}, socket);
      holders.insert(holders.end(), more.begin(), more.end());
    }
  }
  return holders;
}

}  // namespace sandbox_run::watch
