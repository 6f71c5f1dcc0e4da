#include "cli/background.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <exception>

#include "base/unique_fd.h"
#include "cli/state.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {
namespace {

/// So long the prompt waits: a run that leaves little leaves nothing when it is back.
constexpr int kPatienceMilliseconds = 20;
constexpr std::uint64_t kMebi = 1U << 20;

/// The caller's terminal, pipes (whose reader waits for their end) and locks are let go.
void detach() {
  ::setsid();
  ::syscall(SYS_close_range, 0U, ~0U, 0);
  for (int fd = 0; fd < 3; ++fd) {
    // The lowest free number. NOLINTNEXTLINE(android-cloexec-open)
    if (::open("/dev/null", O_RDWR) != fd) ::_exit(1);
  }
  if (::chdir("/") != 0) ::_exit(1);
  // After whatever the person does next.
  (void)::setpriority(PRIO_PROCESS, 0, 10);
}

}  // namespace

void clean_up_in_background(const std::string& run_directory,
                            const workspace::CommitSummary& commit, const policy::Limits& limits) {
  if (!commit.left_to_clean_up && !keeps_replaced(run_directory)) return;
  // Threads that still look a name up are not in the child; what it calls (malloc, files) is safe
  // there all the same (glibc).
  const pid_t child = ::fork();
  if (child < 0) return;  // the next run's
  if (child == 0) {
    detach();
    try {
      workspace::clean_up(run_directory);
      workspace::limit_replaced(run_directory, limits.undo_mb * kMebi);
    } catch (const std::exception&) {
      ::_exit(1);  // the mark stays, so that the next run finds it
    }
    ::_exit(0);
  }
  const base::UniqueFd ended(static_cast<int>(::syscall(SYS_pidfd_open, child, 0U)));
  if (!ended) return;
  pollfd wait{ended.get(), POLLIN, 0};
  (void)::poll(&wait, 1, kPatienceMilliseconds);
}

void forget_in_background(const std::vector<std::string>& runs, const std::string& run_directory) {
  if (runs.empty() || ::fork() != 0) return;
  detach();
  try {
    RunInUse::wait(run_directory);
    for (const std::string& run : runs) workspace::forget_replaced(run);
  } catch (const std::exception&) {
    ::_exit(1);  // what is still kept is found by the next run
  }
  ::_exit(0);
}

}  // namespace sandbox_run::cli
