// PID 1 of the sandbox: sets it up, then reaps what the sandboxee leaves behind.
//
// Must:     die with the supervisor; hold no capability while the sandboxee runs; be unreadable to
//           it (our memory is a copy of the supervisor's, with the caller's whole environment:
//           A033).
// Must not: decide anything. Its end, by the supervisor, is what kills daemons left behind.
// See pid_namespaces(7), prctl(2).

#include "sandbox/init_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/io.h"
#include "base/program_text.h"
#include "base/sys_error.h"
#include "sandbox/capabilities.h"
#include "sandbox/close_descriptors.h"
#include "sandbox/control_message.h"
#include "sandbox/mount_tree.h"
#include "sandbox/namespace_settings.h"
#include "sandbox/network.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/step_table.h"

namespace sandbox_run::sandbox {
namespace {

using base::check_sys;
using base::SysError;

void die_with_supervisor(const plan::Plan&, ChildContext& context) {
  check_sys(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "tying init to the supervisor");
  // It may have died before that call: then nobody holds the other end.
  pollfd poll{context.control, 0, 0};
  if (::poll(&poll, 1, 0) == 1 && (poll.revents & POLLHUP) != 0)
    throw SysError(ESRCH, "finding the supervisor");
}

void await_id_maps(const plan::Plan&, ChildContext& context) {
  if (base::receive_fds(context.control).bytes != kGo)
    throw SysError(EPIPE, "waiting for the id maps");
  // From here on /proc/1 belongs to nobody inside. (Not before: the supervisor writes our maps.)
  check_sys(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "closing init's memory");
}

void name_host(const plan::Plan&, ChildContext&) {
  // A name that /etc/hosts always knows, and that tells nothing of the host.
  constexpr std::string_view kName = "localhost";
  check_sys(::sethostname(kName.data(), kName.size()), "naming the host");
}

/// One message with all of them, in the order of the plan.
void hand_over_decoys(const plan::Plan&, ChildContext& context) {
  if (context.decoys.empty()) return;
  std::vector<int> fds;
  for (const base::UniqueFd& decoy : context.decoys) fds.push_back(decoy.get());
  base::send_fds(context.control, kDecoys, fds);
  context.decoys.clear();
}

/// By its root the supervisor's Landlock domain lets the sandboxee have all that is in here. With
/// it the places that lie in memory, so that what fills them is seen.
void hand_over_root(const plan::Plan& plan, const ChildContext& context) {
  constexpr std::size_t kMaxPlaces = 32;
  std::vector<base::UniqueFd> places;
  const auto open = [&](const std::string& path) {
    places.emplace_back(
        check_sys(::open(path.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW), "opening the new root"));
  };
  open("/");
  for (const plan::MountStep& step : plan.mounts) {
    const auto* place = std::get_if<plan::TmpfsMount>(&step);
    if (place != nullptr && places.size() < kMaxPlaces) open(place->target);
  }
  std::vector<int> fds;
  fds.reserve(places.size());
  for (const base::UniqueFd& place : places) fds.push_back(place.get());
  base::send_fds(context.control, context.kernel_objects_unlimited ? kRootUnlimited : kRoot, fds);
}

/// The order is the security argument; each row says why it cannot move.
constexpr std::array kInitSteps{
    Step{SetupStep::die_with_supervisor,
         die_with_supervisor},                      // first: nothing may outlive a dead supervisor
    Step{SetupStep::await_id_maps, await_id_maps},  // until then we are nobody and may do nothing
    Step{SetupStep::private_mounts,
         make_mounts_private},  // before any mount, or ours would show on the host
    Step{SetupStep::collect_mounts,
         collect_mounts},  // needs the host's tree, not yet covered by ours
    Step{SetupStep::raise_loopback,
         set_network_settings},  // needs /proc before it is read-only, and CAP_NET_ADMIN
    Step{SetupStep::set_limits, limit_kernel_objects},  // needs /proc before it is read-only
    Step{SetupStep::build_root, build_root},            // all of it before the root is switched
    Step{SetupStep::enter_root, enter_root},            // from here on the host's tree is gone
    Step{SetupStep::raise_loopback, raise_loopback},    // needs CAP_NET_ADMIN
    Step{SetupStep::raise_loopback, name_host},         // needs CAP_SYS_ADMIN
    Step{SetupStep::hand_over_sockets,
         hand_over_sockets},  // needs lo; CAP_NET_BIND_SERVICE for ports below 1024, CAP_NET_RAW
    Step{SetupStep::hand_over_decoys,
         hand_over_decoys},  // before the command: nobody but the supervisor may have them open
};

[[noreturn]] void reap_for_ever(const sigset_t& signals) {
  while (true) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    ::sigwaitinfo(&signals, nullptr);
  }
}

}  // namespace

void run_init(const plan::Plan& plan, ChildContext& context) {
  SetupStep current = SetupStep::die_with_supervisor;
  try {
    ::umask(022);
    sigset_t all;
    ::sigfillset(&all);
    check_sys(::sigprocmask(SIG_BLOCK, &all, nullptr), "blocking signals");
    run_steps(kInitSteps, plan, context, current);

    current = SetupStep::confine_init;
    drop_capabilities(plan, context);
    set_no_new_privileges(plan, context);
    hand_over_root(plan, context);  // only now: the word that all is ready
    close_all_but({});
    base::let_go_of_program_text();
    load_init_filter(plan, context);
    reap_for_ever(all);
  } catch (const std::exception& error) {
    report_failure(context.status, current, error);
    ::_exit(125);
  }
}

}  // namespace sandbox_run::sandbox
