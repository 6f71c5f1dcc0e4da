#include "base/thread.h"

#include <csignal>
#include <utility>

#include "base/scope_exit.h"

namespace sandbox_run::base {

std::jthread start_thread(std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const ScopeExit restore([&] { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); });
  return std::jthread(std::move(work));
}

}  // namespace sandbox_run::base
