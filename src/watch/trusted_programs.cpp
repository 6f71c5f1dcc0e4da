// Which programs keep the trust that a run was the package manager's alone.
//
// Must:     fail closed: what is not known, or could not be read, is not trusted (else a package's
//           code poisons the caches that later runs and other projects use).
// Must not: trust an interpreter for its name: `node h.js` is anybody's code.

#include "watch/trusted_programs.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/path.h"
#include "policy/command_words.h"

namespace sandbox_run::watch {
namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

template <std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_python(std::string_view name) {
  return starts_with(name, "python") || starts_with(name, "pypy");
}

bool is_of_system(const std::string& directory) {
  constexpr std::array<std::string_view, 4> kSystem = {"/usr/bin", "/usr/sbin", "/bin", "/sbin"};
  return is_one_of(kSystem, directory);
}

/// No shell, and nothing that runs code without a further exec. What package managers ask for their
/// own sake: sources from git, archives, the name of the system; and what their start scripts use.
/// Of git's own programs those that are scripts, too, as long as they evaluate nothing that a
/// configuration or a command line says: not filter-branch, mergetool, quiltimport, subtree.
bool is_helper(const std::string& path) {
  constexpr std::array<std::string_view, 17> kNames = {
      "git",     "tar",      "gzip",     "unzip",   "ldconfig", "ldconfig.real",
      "uname",   "env",      "ldd",      "getconf", "gettext",  "lsb_release",
      "dirname", "basename", "readlink", "sed",     "envsubst"};
  constexpr std::array<std::string_view, 2> kGit = {"/usr/lib/git-core", "/usr/libexec/git-core"};
  constexpr std::array<std::string_view, 10> kGitNames = {"git",
                                                          "git-remote-http",
                                                          "git-remote-https",
                                                          "git-remote-ftp",
                                                          "git-upload-pack",
                                                          "git-receive-pack",
                                                          "git-submodule",
                                                          "git-sh-i18n--envsubst",
                                                          "git-merge-octopus",
                                                          "git-merge-one-file"};
  const std::string directory = base::parent_path(path);
  const std::string name = base::file_name(path);
  return (is_of_system(directory) && is_one_of(kNames, name)) ||
         (is_one_of(kGit, directory) && is_one_of(kGitNames, name));
}

/// `sh -c "git-upload-pack '/path'"`, by which git starts the other side of a repository on this
/// machine; that is then an exec of its own, to be judged by where the shell has found it, as are
/// the hooks there. A remote's own `uploadpack` has other words.
bool is_other_side(const std::string& path, const ExecFacts& exec) {
  const std::vector<std::string>& arguments = exec.arguments;
  const std::string name = base::file_name(path);
  if (!is_of_system(base::parent_path(path)) ||
      (name != "sh" && name != "dash" && name != "bash") || arguments.size() < 3 ||
      arguments[1] != "-c") {
    return false;
  }
  for (const std::string_view words : {"git-upload-pack '", "git-receive-pack '"}) {
    const std::string& text = arguments[2];
    if (text.starts_with(words)) return text.find('\'', words.size()) == text.size() - 1;
  }
  return false;
}

/// "/usr/lib/node_modules/npm" of "/usr/lib/node_modules/npm/bin/npm-cli.js"; "" if there is none.
std::string node_package_of(const std::string& script) {
  constexpr std::string_view kModules = "/node_modules/";
  const std::size_t modules = script.rfind(kModules);
  if (modules == std::string::npos) return {};
  const std::size_t name = modules + kModules.size();
  std::size_t end = script.find('/', name);
  if (end != std::string::npos && script[name] == '@') end = script.find('/', end + 1);
  if (end == std::string::npos || script[name] == '.') return {};  // .bin is nobody's package
  return script.substr(0, end);
}

/// Options of python(1) that load nothing.
bool is_harmless_python_option(std::string_view option) {
  return option.size() > 1 && option[0] == '-' &&
         option.find_first_not_of("IEsSBuP", 1) == std::string_view::npos;
}

/// `python -m pip` takes a pip from the working directory first.
bool is_pip_of_python(const ProcessRoot& root) {
  return root.look_up("pip").result == Look::Result::missing &&
         root.look_up("pip.py").result == Look::Result::missing;
}

/// "pip", "pip3", "pip3.11"
bool is_pip_name(std::string_view name) {
  return starts_with(name, "pip") &&
         name.find_first_not_of("0123456789.", 3) == std::string_view::npos;
}

/// The program of pip in an environment, which may be made by the command itself, or the script by
/// which such a pip starts itself to install what a build needs.
bool is_pip_of_environment(const std::string& path, const ProcessRoot& root) {
  constexpr std::string_view kRunner = "/site-packages/pip/__pip-runner__.py";
  std::string prefix;
  if (base::file_name(base::parent_path(path)) == "bin" && is_pip_name(base::file_name(path))) {
    prefix = base::parent_path(base::parent_path(path));
  } else if (path.ends_with(kRunner)) {
    const std::string library = path.substr(0, path.size() - kRunner.size());  // lib/python3.11
    prefix = base::parent_path(base::parent_path(library));
  }
  return !prefix.empty() &&
         root.look_up(base::join_path(prefix, "pyvenv.cfg")).result == Look::Result::found;
}

}  // namespace

bool is_interpreter(std::string_view name) {
  constexpr std::array<std::string_view, 4> kPrefixes = {"node", "perl", "ruby", "busybox"};
  constexpr std::array<std::string_view, 10> kNames = {"sh",  "bash", "dash", "ash",  "zsh",
                                                       "ksh", "mksh", "bun",  "deno", "bun.exe"};
  return is_python(name) || is_one_of(kNames, name) ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return starts_with(name, prefix); });
}

bool is_loader_variable(std::string_view name) {
  constexpr std::array<std::string_view, 10> kNames = {
      "NODE_OPTIONS", "NODE_PATH", "NODE_REPL_EXTERNAL_MODULE",
      "PKG_EXECPATH", "BASH_ENV",  "ENV",
      "GCONV_PATH",   "SHELLOPTS", "OPENSSL_CONF",
      "BUN_OPTIONS"};
  return is_one_of(kNames, name) || starts_with(name, "LD_") || starts_with(name, "BUN_INSPECT") ||
         starts_with(name, "PYTHON") || starts_with(name, "BASH_FUNC_") ||
         starts_with(name, "GLIBC_");
}

TrustedPrograms::TrustedPrograms(std::vector<std::string> paths, policy::CommandRule manages)
    : manages_(std::move(manages)) {
  for (std::string& path : paths) {
    if (path.size() < 2 || path.front() != '/') continue;
    if (path.back() == '/') {
      path.pop_back();
      directories_.push_back(std::move(path));
      continue;
    }
    const std::string package = is_interpreter(base::file_name(path)) ? "" : node_package_of(path);
    if (!package.empty()) directories_.push_back(package);
    paths_.push_back(std::move(path));
  }
}

bool TrustedPrograms::cover(const Look& program, const ExecFacts& exec,
                            const ProcessRoot& root) const {
  if (program.result != Look::Result::found) return false;
  const std::string& path = program.real_path;
  if (!is_own_path(path)) return is_helper(path) || is_other_side(path, exec);
  const std::string name = base::file_name(path);
  return !is_interpreter(name) || manages_by_words(name, exec) || runs_own_script(name, exec, root);
}

bool TrustedPrograms::is_manager(const Look& program, const ExecFacts& exec,
                                 const ProcessRoot& root) const {
  if (program.result != Look::Result::found || is_helper(program.real_path)) return false;
  const std::string name = base::file_name(program.real_path);
  if (knows_pip() && (is_pip_of_environment(program.real_path, root) ||
                      (is_python(name) && runs_pip_of_environment(exec, root)))) {
    return true;
  }
  if (!is_own_path(program.real_path)) return false;
  return !is_interpreter(name) || manages_by_words(name, exec) ||
         (exec.arguments.size() > 2 && runs_own_script(name, exec, root)) ||
         (exec.arguments.size() == 2 && is_own_script(exec.arguments[1], root));
}

/// Where pip is none of the managers, the one of an environment is none. A shim (pyenv's, mise's)
/// has the name alone.
bool TrustedPrograms::knows_pip() const {
  return std::any_of(paths_.begin(), paths_.end(), [](const std::string& path) {
    const std::string name = base::file_name(path);
    return is_python(name) || is_pip_name(name);
  });
}

/// On whichever Python the environment was made with. Who wrote its files is asked by whoever asks
/// for managers.
bool TrustedPrograms::runs_pip_of_environment(const ExecFacts& exec, const ProcessRoot& root) {
  std::size_t at = 1;
  while (at < exec.arguments.size() && is_harmless_python_option(exec.arguments[at])) ++at;
  if (at >= exec.arguments.size() || exec.arguments[at].empty()) return false;
  if (exec.arguments[at] == "-m") {
    // By what it was called: an environment's python is a link to the one that it was made with.
    const std::string prefix = base::parent_path(base::parent_path(exec.path));
    return at + 1 < exec.arguments.size() && exec.arguments[at + 1] == "pip" &&
           is_pip_of_python(root) &&
           root.look_up(base::join_path(prefix, "pyvenv.cfg")).result == Look::Result::found;
  }
  const Look script = root.look_up(exec.arguments[at]);
  return script.result == Look::Result::found && S_ISREG(script.status.st_mode) &&
         is_pip_of_environment(script.real_path, root);
}

/// `exec -a bun node install`: the words are the caller's to choose, the program is not.
bool TrustedPrograms::manages_by_words(const std::string& program, const ExecFacts& exec) const {
  const std::string name = policy::command_words({program}).front();
  const bool is_meant =
      std::any_of(manages_.commands.begin(), manages_.commands.end(),
                  [&](const std::string& pattern) { return pattern.starts_with(name + " "); });
  return is_meant && policy::holds_for_manager(manages_, exec.arguments);
}

bool TrustedPrograms::is_own_path(const std::string& path) const {
  return std::find(paths_.begin(), paths_.end(), path) != paths_.end();
}

bool TrustedPrograms::is_own_script(const std::string& argument, const ProcessRoot& root) const {
  if (argument.empty() || argument[0] == '-') return false;
  const Look script = root.look_up(argument);
  if (script.result != Look::Result::found || !S_ISREG(script.status.st_mode)) return false;
  return is_own_path(script.real_path) ||
         std::any_of(directories_.begin(), directories_.end(), [&](const std::string& directory) {
           return base::is_beneath(script.real_path, directory);
         });
}

bool TrustedPrograms::runs_own_script(const std::string& interpreter, const ExecFacts& exec,
                                      const ProcessRoot& root) const {
  const std::vector<std::string>& arguments = exec.arguments;
  std::size_t at = 1;
  if (is_python(interpreter)) {
    while (at < arguments.size() && is_harmless_python_option(arguments[at])) ++at;
    if (at + 1 < arguments.size() && arguments[at] == "-m") {
      return arguments[at + 1] == "pip" && is_pip_of_python(root);
    }
  }
  if (at >= arguments.size()) return false;  // it reads its program from its input
  const bool asks_version = arguments[at] == "--version" || arguments[at] == "-v";
  // To a shell -v is another thing; node with a further argument may run it.
  if (asks_version && arguments.size() == 2 && starts_with(interpreter, "node")) return true;
  return is_own_script(arguments[at], root);
}

}  // namespace sandbox_run::watch
