#include "cli/reviewer.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>

#include "base/io.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/review/interactive.h"
#include "cli/tell.h"

namespace sandbox_run::cli {
namespace {

/// The process's whole life: waits for a word, any, or for the end of the run.
int live(int channel, const std::string& state, const std::string& run_directory) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  // Ctrl-C is for the command until it is our turn.
  ::sigprocmask(SIG_BLOCK, &all, &before);
  try {
    if (base::receive_fds(channel).bytes.empty()) return kOk;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return review_interactively(state, run_directory, {});
  } catch (const std::exception& error) {
    tell("sandbox-run: " + base::printable(error.what()) + "\n");
    return kSetupFailed;
  }
}

}  // namespace

Reviewer::Reviewer(const std::string& state, const std::string& run_directory) {
  base::SocketPair pair = base::make_socket_pair();
  process_ = base::check_sys(::fork(), "preparing the review");
  if (process_ == 0) {
    pair.ours.reset();
    ::_exit(live(pair.theirs.get(), state, run_directory));
  }
  channel_ = std::move(pair.ours);
}

Reviewer::~Reviewer() {
  channel_.reset();
  (void)wait();
}

int Reviewer::review() {
  base::send_fds(channel_.get(), "now", {});
  return wait();
}

int Reviewer::wait() {
  if (process_ <= 0) return kOk;
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;  // the keys are for the review
  ::sigaction(SIGINT, &ignore, &before);
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  ::sigaction(SIGINT, &before, nullptr);
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status);
}

}  // namespace sandbox_run::cli
