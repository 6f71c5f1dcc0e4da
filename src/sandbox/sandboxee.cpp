// The last steps before the command itself.
//
// Must:     leave this process with only what the plan grants, and check each drop.
// Must not: go on after an error; keep a descriptor but 0, 1 and 2 across the execve.

#include "sandbox/sandboxee.h"

#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/sys_error.h"
#include "sandbox/capabilities.h"
#include "sandbox/landlock.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/step_table.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;

void place_stream(int from, int to) {
  if (from < 0) {
    ::close(to);
  } else if (from != to) {
    check_sys(::dup2(from, to), "connecting the standard streams");
  }
}

void start_process_group(const plan::Plan& plan, ChildContext& context) {
  // A group of its own: kill(0, …) inside can't reach the caller's shell (A036), and the supervisor
  // can do for it what a shell does for a job. The session stays: the terminal is still the user's.
  check_sys(::setpgid(0, 0), "starting a process group");
  place_stream(context.streams.input, 0);
  place_stream(context.streams.output, 1);
  place_stream(context.streams.error, 2);
  // Everything else goes at the execve: a leaked descriptor is a way out (CVE-2024-21626).
  check_sys(::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC),
            "closing inherited descriptors");
  check_sys(::chdir(plan.exec.working_directory.c_str()),
            "entering " + plan.exec.working_directory);
  ::umask(context.caller_umask);
}

/// Before Linux 5.14 it counts all that the user runs, outside too: setrlimit(2),
/// user_namespaces(7).
bool counts_by_namespace() {
  utsname system{};
  unsigned major = 0;
  unsigned minor = 0;
  constexpr unsigned kMajor = 5;
  constexpr unsigned kMinor = 14;
  // NOLINTNEXTLINE(cert-err34-c): what is no number is an old kernel
  if (::uname(&system) != 0 || std::sscanf(system.release, "%u.%u", &major, &minor) != 2)
    return false;
  return major > kMajor || (major == kMajor && minor >= kMinor);
}

/// A fork bomb is held by the kernel until the supervisor has seen it: a little later than at the
/// limit, or nothing would ever be seen to pass that.
void limit_processes(const plan::Plan& plan) {
  constexpr rlim_t kRoom = 64;
  rlimit limit{};
  if (!counts_by_namespace() || ::getrlimit(RLIMIT_NPROC, &limit) != 0) return;
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, policy::threads_bound(plan.limits) + kRoom);
  limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
  check_sys(::setrlimit(RLIMIT_NPROC, &limit), "limiting the number of processes");
}

/// No one process has more than all may have: before Linux 6.2 nobody counts them.
void limit_open_files(const plan::Plan& plan) {
  rlimit limit{};
  check_sys(::getrlimit(RLIMIT_NOFILE, &limit), "looking at the limit of open files");
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, plan.limits.open_files);
  limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
  check_sys(::setrlimit(RLIMIT_NOFILE, &limit), "limiting the number of open files");
}

/// The attack: a file of terabytes without a block on the disk, which whoever reads it later reads.
void limit_file_size(const plan::Plan& plan) {
  constexpr rlim_t kMebi = 1U << 20;
  rlimit limit{};
  check_sys(::getrlimit(RLIMIT_FSIZE, &limit), "looking at the limit of a file's size");
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, plan.limits.file_mb * kMebi);
  limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max);
  check_sys(::setrlimit(RLIMIT_FSIZE, &limit), "limiting the size of a file");
}

void set_limits(const plan::Plan& plan, ChildContext&) {
  limit_processes(plan);
  limit_open_files(plan);
  limit_file_size(plan);
  // A core pattern that starts with '|' runs a helper on the host (A183).
  const rlimit none{0, 0};
  check_sys(::setrlimit(RLIMIT_CORE, &none), "switching core dumps off");
}

constexpr std::array kSandboxeeSteps{
    Step{SetupStep::start_process_group,
         start_process_group},  // first: descriptors are still in place
    Step{SetupStep::set_limits, set_limits},
    Step{SetupStep::drop_capabilities, drop_capabilities},  // before no_new_privs only by custom
    Step{SetupStep::no_new_privileges,
         set_no_new_privileges},  // Landlock and seccomp need it without capabilities
    Step{SetupStep::landlock, restrict_by_landlock},  // opens paths: before the filter
    Step{SetupStep::seccomp, load_filters},           // last: it forbids calls used above
};

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void execute(const plan::Plan& plan) {
  std::vector<std::string> arguments = plan.exec.arguments;
  std::vector<std::string> environment;
  for (const auto& [name, value] : plan.exec.environment) {
    environment.emplace_back(name).append("=").append(value);
  }
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  ::execve(plan.exec.path.c_str(), argv.data(), envp.data());
  throw base::SysError(plan.exec.arguments.front());
}

}  // namespace

void run_sandboxee(const plan::Plan& plan, ChildContext& context) {
  SetupStep current = SetupStep::start_process_group;
  try {
    // Init is unreadable; this process must be readable by the supervisor, who looks at its execve.
    // Nobody else is in here yet, and the execve replaces this memory.
    check_sys(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "opening memory to the supervisor");
    run_steps(kSandboxeeSteps, plan, context, current);
    // Handlers were reset by clone3; the caller's ignored signals (nohup) stay ignored.
    sigset_t none;
    ::sigemptyset(&none);
    check_sys(::sigprocmask(SIG_SETMASK, &none, nullptr), "unblocking signals");
    current = SetupStep::execute;
    execute(plan);
  } catch (const std::exception& error) {
    report_failure(context.status, current, error);
    // Not _exit(3): exit_group(2) may be notified already, and the supervisor not listen yet.
    ::syscall(SYS_exit, 125);
    ::abort();
  }
}

}  // namespace sandbox_run::sandbox
