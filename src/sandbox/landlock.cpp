#include "sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/sys_error.h"
#include "base/unique_fd.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using base::UniqueFd;

// Rights by the ABI that brought them: Debian 12's header ends at ABI 2 (landlock(7), VERSIONS).
constexpr std::uint64_t kRefer = 1ULL << 13U;                   // ABI 2
constexpr std::uint64_t kTruncate = 1ULL << 14U;                // ABI 3
constexpr std::uint64_t kIoctlDevice = 1ULL << 15U;             // ABI 5
constexpr std::uint64_t kScopeAbstractUnixSocket = 1ULL << 0U;  // ABI 6
constexpr std::uint64_t kScopeSignal = 1ULL << 1U;              // ABI 6

constexpr std::uint64_t kRead =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kAllOfAbi1 = (1ULL << 13U) - 1;
constexpr std::uint64_t kFileOnly = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                    LANDLOCK_ACCESS_FS_READ_FILE | kTruncate | kIoctlDevice;

/// The kernel's structure as of ABI 6; older kernels take a prefix, by size.
struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};

std::uint64_t handled_access(int abi) {
  std::uint64_t access = kAllOfAbi1;
  if (abi >= 2) access |= kRefer;
  if (abi >= 3) access |= kTruncate;
  if (abi >= 5) access |= kIoctlDevice;
  return access;
}

/// What is kept from acting on processes outside the domain.
enum class Scope { abstract_sockets, abstract_sockets_and_signals };

UniqueFd make_ruleset(int abi, Scope scope) {
  RulesetAttributes attributes;
  attributes.handled_access_fs = handled_access(abi);
  std::size_t size = sizeof attributes.handled_access_fs;
  if (abi >= 4) size = 2 * sizeof(std::uint64_t);
  if (abi >= 6) {
    size = sizeof attributes;
    attributes.scoped = kScopeAbstractUnixSocket;
    if (scope == Scope::abstract_sockets_and_signals) attributes.scoped |= kScopeSignal;
  }
  return UniqueFd(static_cast<int>(check_sys(
      ::syscall(SYS_landlock_create_ruleset, &attributes, size, 0), "making a Landlock ruleset")));
}

void allow(int ruleset, int path_fd, std::uint64_t access, const std::string& what) {
  struct stat status {};
  check_sys(::fstat(path_fd, &status), "examining " + what);
  landlock_path_beneath_attr rule{};
  rule.parent_fd = path_fd;
  rule.allowed_access = S_ISDIR(status.st_mode) ? access : (access & kFileOnly);
  check_sys(::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0),
            "allowing " + what + " by Landlock");
}

void allow_path(int ruleset, const std::string& path, std::uint64_t access) {
  const UniqueFd fd(check_sys(::open(path.c_str(), O_PATH | O_CLOEXEC), "opening " + path));
  allow(ruleset, fd.get(), access, path);
}

void allow_if_there(int ruleset, const std::string& path, std::uint64_t access) {
  const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (fd) allow(ruleset, fd.get(), access, path);
}

/// `echo … > /dev/stderr` opens the terminal behind it anew: it lies outside the new root.
void allow_terminal(int ruleset, int fd, std::uint64_t access) {
  if (::isatty(fd) == 0) return;
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const UniqueFd terminal(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (terminal) allow(ruleset, terminal.get(), access, "the terminal");
}

}  // namespace

void restrict_by_landlock(const plan::Plan& plan, ChildContext&) {
  const int abi = plan.landlock.abi;
  if (abi <= 0) return;
  const UniqueFd ruleset = make_ruleset(abi, Scope::abstract_sockets_and_signals);
  const std::uint64_t everything = handled_access(abi);
  allow_path(ruleset.get(), "/", kRead);
  for (const std::string& path : plan.landlock.writable) {
    allow_path(ruleset.get(), path, everything);
  }
  for (const int fd : {0, 1, 2}) allow_terminal(ruleset.get(), fd, everything);
  check_sys(::syscall(SYS_landlock_restrict_self, ruleset.get(), 0),
            "entering the Landlock domain");
}

void restrict_supervisor_by_landlock(const plan::SupervisorFiles& files,
                                     std::span<const int> sandbox_roots,
                                     const StandardStreams& streams, int abi) {
  const UniqueFd ruleset = make_ruleset(abi, Scope::abstract_sockets);
  const std::uint64_t everything = handled_access(abi);
  for (const int root : sandbox_roots) {
    allow(ruleset.get(), root, everything, "the sandbox's root");
  }
  for (const std::string& path : files.readable) allow_if_there(ruleset.get(), path, kRead);
  for (const std::string& path : files.writable) allow_if_there(ruleset.get(), path, everything);
  for (const std::string& path : files.tidied) {
    allow_if_there(ruleset.get(), path, LANDLOCK_ACCESS_FS_REMOVE_DIR);
  }
  for (const int fd : {0, 1, 2, streams.input, streams.output, streams.error}) {
    allow_terminal(ruleset.get(), fd, everything);
  }
  check_sys(::syscall(SYS_landlock_restrict_self, ruleset.get(), 0),
            "entering the supervisor's Landlock domain");
}

}  // namespace sandbox_run::sandbox
