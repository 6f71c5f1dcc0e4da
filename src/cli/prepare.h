#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/timings.h"
#include "events/sink_address.h"
#include "plan/host_facts.h"
#include "plan/plan_builder.h"
#include "policy/policy.h"
#include "policy/proxy.h"
#include "workspace/workspace.h"

namespace sandbox_run::cli {

/// Everything that is known before anything is made: options, profiles and the host, put together.
struct Preparation {
  policy::Policy policy;  // registries' rules included
  plan::HostFacts facts;
  policy::ProxyPolicy proxies;  // that the host goes by; the sandboxee sees none of them
  std::vector<workspace::Target> targets;
  /// Programs of package managers that the command may start (cli/companions.h), and its own.
  std::vector<std::string> managers;
  policy::CommandRule manages;  // with which words an interpreter among them is one
  /// Further places for events: the user's configuration's, then the command line's.
  std::vector<events::SinkAddress> event_sinks;
  bool has_new_large_trees = false;  // facts.large_trees has some that no earlier run knew
  std::vector<std::string> hints;    // "the registry is on this machine's localhost: …"
  /// The same, to be told before the command begins.
  std::vector<std::string> warnings;
};

/// The command could not be found or not be executed: exit codes 127 and 126.
class CommandError : public std::runtime_error {
 public:
  CommandError(int exit_code, const std::string& text)
      : std::runtime_error(text), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

/// A host that can't serve this run; exit code 125.
class UnfitError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws UserError, CommandError, UnfitError, sandbox::SetupError.
Preparation prepare(const Options& options, Timings& timings);

/// For a command that failed: what may hold something private, and is therefore not shown.
std::optional<std::string> note_of_unseen(const plan::HostFacts& facts);
/// The same: repositories on this machine that the project names.
std::vector<std::string> notes_of_wanted(const Preparation& prepared);

}  // namespace sandbox_run::cli
