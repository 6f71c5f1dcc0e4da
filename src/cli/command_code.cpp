#include "cli/command_code.h"

#include <cerrno>
#include <csignal>

#include "cli/exit_code.h"

namespace sandbox_run::cli {
namespace {

int not_started_code(const sandbox::SetupFailure& failure) {
  if (failure.step != sandbox::SetupStep::execute) return kSetupFailed;
  return failure.error_number == ENOENT ? kNotFound : kNotExecutable;
}

}  // namespace

int command_code(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::exited:
      return outcome.value;
    case Outcome::Kind::killed:
      return kSignalBase + outcome.value;
    case Outcome::Kind::time_limit:
      return kTimeLimit;
    case Outcome::Kind::limit:
      return kSignalBase + SIGKILL;
    case Outcome::Kind::alert:
      return kAlert;
    case Outcome::Kind::not_started:
      return not_started_code(*outcome.failure);
    case Outcome::Kind::lost:
      return kSetupFailed;
  }
  return kSetupFailed;
}

}  // namespace sandbox_run::cli
