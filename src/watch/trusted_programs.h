#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"
#include "watch/actor.h"
#include "watch/process_root.h"

namespace sandbox_run::watch {

/// Which execs are the package manager at its own work. Everything else may be a package's code:
/// what `pnpm exec` or `npx` runs has the package manager's actor, but not its trust.
class TrustedPrograms {
 public:
  /// The real paths of the command's own chain: the package manager's script and its interpreters.
  /// One that ends in "/" is a directory of the package manager's own scripts; of a script in
  /// …/node_modules/NAME/ that directory is taken by itself. Known interpreters (node, python, a
  /// shell) are trusted only with one of these scripts, all other programs with any arguments.
  /// `manages`: with which words a program that is an interpreter is a package manager itself.
  explicit TrustedPrograms(std::vector<std::string> paths, policy::CommandRule manages = {});

  /// `program`: what the exec's path leads to. Also true for helpers such as git and tar in the
  /// system's directories: whatever they start in turn is an exec of its own.
  bool cover(const Look& program, const ExecFacts& exec, const ProcessRoot& root) const;
  /// The package manager itself, no helper.
  bool is_manager(const Look& program, const ExecFacts& exec, const ProcessRoot& root) const;

 private:
  bool manages_by_words(const std::string& program, const ExecFacts& exec) const;
  bool is_own_path(const std::string& path) const;
  bool is_own_script(const std::string& argument, const ProcessRoot& root) const;
  bool knows_pip() const;
  static bool runs_pip_of_environment(const ExecFacts& exec, const ProcessRoot& root);
  bool runs_own_script(const std::string& interpreter, const ExecFacts& exec,
                       const ProcessRoot& root) const;

  std::vector<std::string> paths_;
  std::vector<std::string> directories_;
  policy::CommandRule manages_;
};

/// node, python, a shell …, by the name of the program's file.
bool is_interpreter(std::string_view name);

/// Variables by which a program loads code that is not its own (ld.so(8), node(1), python(1)).
bool is_loader_variable(std::string_view name);

}  // namespace sandbox_run::watch
