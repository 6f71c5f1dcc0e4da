#include "cli/main_function.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "base/io.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/behaviour.h"
#include "cli/commands/help.h"
#include "cli/commands/sub_commands.h"
#include "cli/exit_code.h"
#include "cli/hints.h"
#include "cli/options.h"
#include "cli/plan_text.h"
#include "cli/prepare.h"
#include "cli/run.h"
#include "cli/tell.h"
#include "sandbox/setup_step.h"

namespace sandbox_run::cli {
namespace {

using base::printable;

int print_plan(const Options& options) {
  Timings timings;
  const Preparation prepared = prepare(options, timings);
  const RunLock lock(prepared.facts.project,
                     options.lock);  // one that is none is an error here, too
  std::string text = describe_plan(prepared);
  timings.end("plan");
  if (options.timings == TimingsShown::yes) text += timings.to_text();
  base::write_full(1, text, "printing the plan");
  return kOk;
}

int dispatch(const std::vector<std::string>& arguments, const ClosedStreams& closed) {
  const std::unique_ptr<char, decltype(&std::free)> cwd(::getcwd(nullptr, 0), &std::free);
  const Options options = parse_options(arguments, cwd ? cwd.get() : "/");
  switch (options.action) {
    case Action::help:
      base::write_full(1, options.topic.empty() ? help_text() : help_on(options.topic),
                       "printing the help");
      return kOk;
    case Action::version:
      base::write_full(1, std::string("sandbox-run ") + SANDBOX_RUN_VERSION + "\n",
                       "printing the version");
      return kOk;
    case Action::plan:
      return print_plan(options);
    case Action::run:
      return run(options, closed);
    case Action::review:
    case Action::commit:
    case Action::discard:
    case Action::undo:
    case Action::runs:
    case Action::prune:
    case Action::log:
    case Action::explain:
    case Action::lock:
      return run_sub_command(options);
  }
  return kUsageError;
}

}  // namespace

int main_function(const std::vector<std::string>& arguments) {
  try {
    return dispatch(arguments, fill_closed_streams());
  } catch (const base::UserError& error) {
    complain(error.what());
    return kUsageError;
  } catch (const CommandError& error) {
    complain(error.what());
    return error.exit_code();
  } catch (const sandbox::SetupError& error) {
    const std::string hint = hint_for(error.step(), error.error_number(), error.what());
    complain(printable(error.what()) + (hint.empty() ? "" : "; " + hint));
    return kSetupFailed;
  } catch (const std::exception& error) {
    complain(printable(error.what()));
    return kSetupFailed;
  }
}

}  // namespace sandbox_run::cli
