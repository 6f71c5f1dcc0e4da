#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "watch/actor.h"
#include "watch/process_files.h"
#include "watch/process_root.h"
#include "watch/written_files.h"

namespace sandbox_run::watch {

/// One exec, as far as OwnCode asks.
struct OwnExec {
  int thread = 0;
  ProcessStatus process;
  const ExecFacts* facts = nullptr;
  const Look* program = nullptr;
  const ProcessRoot* root = nullptr;
  std::string script_directory;  // of the package whose lifecycle script it says it belongs to
  bool follows = false;  // OwnCode::follows, asked while it waits: later its parent may be gone
  std::int64_t at = 0;   // ns since 1970, before it was let go
};

/// Which processes run the user's own code: the command that he typed, shells, make and scripts of
/// the project that it starts, package managers, the project's own lifecycle scripts. Not so a
/// package's program (node_modules/.bin/…), nor what it starts, nor what a package may have written
/// during the run. Only these may start a package manager that is one (exec_watch.h).
///
/// The attacks: a dependency's script runs `npm publish`; leaves something running that waits for a
/// quiet moment; changes a script, a Makefile or package.json that the user's command runs next;
/// plants an .npmrc or a .pnpmfile.cjs that the next manager loads.
class OwnCode {
 public:
  OwnCode(WrittenFiles written, std::string project, std::string home);

  /// The command itself. `is_manager`: a package manager's own.
  void begin(const OwnExec& exec, bool is_manager);
  /// Every later exec: is it own code, too? `is_helper`: the manager's own program, or a helper of
  /// the system's; `is_package`: the actor is a package's script or build, or unknown.
  /// `others_live`: does code of packages run besides? Asked only where it matters.
  template <typename OthersLive>
  bool note(const OwnExec& exec, bool is_helper, bool is_package, OthersLive others_live) {
    // Before any other code has run, what has lost its parents can be nobody else's.
    const bool own = (exec.follows || !package_code_ran_) && !is_package &&
                     says_its_own_script(exec) &&
                     (is_helper || is_own_program(exec, package_code_ran_ && others_live()));
    settle(exec.process.id, own, exec.at);
    return own;
  }
  /// May this exec be the start of a package manager? For one that is own code.
  template <typename OthersLive>
  bool may_start_manager(const OwnExec& exec, OthersLive others_live) const {
    return !package_code_ran_ || (!others_live() && nothing_is_planted(exec));
  }

  /// Does the process run own code, as far as its ancestors tell? What has lost them: no.
  bool follows(const ProcessStatus& process) const;
  bool package_code_ran() const { return package_code_ran_; }
  /// A package's code has run, and the Python environment is not as the host has it: a pip that
  /// starts now may load what the package has put there (a .pth file, a module that pip looks for).
  bool may_have_changed_python() const {
    return package_code_ran_ && written_.environment_is_written();
  }
  /// The program, or a file that an interpreter is told to run: might the run have brought it?
  bool runs_what_was_written(int thread, const Look& program, const ExecFacts& facts,
                             const ProcessRoot& root) const;
  /// Is a process that is known to run packages' code alive?
  bool packages_live();

 private:
  struct Known {
    std::uint64_t start = 0;
    bool own = false;
  };

  void settle(const ProcessId& process, bool own, std::int64_t at);
  bool says_its_own_script(const OwnExec& exec) const;
  bool is_own_program(const OwnExec& exec, bool others_live);
  bool is_of_package(const OwnExec& exec, const std::string& path) const;
  bool nothing_is_planted(const OwnExec& exec) const;
  std::optional<std::vector<std::string>> unchanged_environments(const OwnExec& exec) const;
  bool runs_what_was_there(const OwnExec& exec, const std::vector<std::string>& environments) const;
  bool is_as_before(const OwnExec& exec, const std::string& path,
                    const std::vector<std::string>& environments) const;

  WrittenFiles written_;
  std::string project_;
  std::string home_;
  ProcessId top_;
  std::map<int, Known> known_;
  bool package_code_ran_ = false;
  std::int64_t package_code_since_ = 0;  // ns since 1970
};

}  // namespace sandbox_run::watch
