#include "watch/own_code.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/path.h"
#include "watch/trusted_programs.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxKnownStarts = 65536;
constexpr int kMaxParents = 256;
constexpr std::int64_t kTick = 10'000'000;  // ns: what a file's time may be behind the clock

/// What package managers, and the interpreters that they run on, load from a project's directory …
constexpr std::array kLoaded{".npmrc",
                             ".pnpmfile.cjs",
                             ".pnpmfile.mjs",
                             "pnpm-workspace.yaml",
                             ".yarnrc",
                             ".yarnrc.yml",
                             ".yarn/releases",
                             ".yarn/plugins",
                             ".pnp.cjs",
                             ".pnp.loader.mjs",
                             "pip.conf",
                             "pyvenv.cfg",
                             ".python-version",
                             ".tool-versions",
                             ".nvmrc",
                             "bunfig.toml",
                             ".env",
                             ".env.local",
                             "deno.json",
                             "deno.jsonc"};
/// … and from the home.
constexpr std::array kLoadedFromHome{".npmrc",
                                     ".yarnrc",
                                     ".yarnrc.yml",
                                     ".yarn",
                                     ".pnpmfile.cjs",
                                     ".config/pnpm/rc",
                                     ".config/pnpm/config.yaml",
                                     ".config/yarn",
                                     ".config/pip/pip.conf",
                                     ".pip/pip.conf",
                                     ".node_modules",
                                     ".node_libraries",
                                     ".local/lib",
                                     ".pydistutils.cfg",
                                     ".gitconfig",
                                     ".config/git/config",
                                     ".bunfig.toml",
                                     ".config/.bunfig.toml"};

bool holds(const std::string& path, const char* part) {
  return path.find(part) != std::string::npos;
}

bool is_shell(const std::string& path) { return base::file_name(path).ends_with("sh"); }

/// A word that stands for the program: `sh -c TEXT`, `node -e TEXT`. Whoever starts it says it.
bool has_text(const std::string& path, const std::vector<std::string>& arguments) {
  if (!is_shell(path)) {
    constexpr std::array kOptions{"-c", "-e", "-p", "--eval"};
    return arguments.size() > 2 &&
           std::find(kOptions.begin(), kOptions.end(), arguments[1]) != kOptions.end();
  }
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word.size() < 2 || (word[0] != '-' && word[0] != '+') || word[1] == '-') return false;
    if (word.find('c') != std::string::npos) return true;
  }
  return false;
}

}  // namespace

OwnCode::OwnCode(WrittenFiles written, std::string project, std::string home)
    : written_(std::move(written)), project_(std::move(project)), home_(std::move(home)) {}

void OwnCode::begin(const OwnExec& exec, bool is_manager) {
  top_ = exec.process.id;
  std::vector<std::string> paths;
  if (!home_.empty()) {
    for (const char* name : kLoadedFromHome) paths.push_back(base::join_path(home_, name));
  }
  written_.remember(*exec.root, paths);
  settle(top_, is_manager || is_own_program(exec, false), exec.at);
}

bool OwnCode::packages_live() {
  std::erase_if(known_, [&](const auto& entry) {
    const auto status = read_process_status(entry.first);
    return entry.first != top_.pid &&
           (!status || status->id.start != entry.second.start || status->ended);
  });
  return std::any_of(known_.begin(), known_.end(),
                     [](const auto& entry) { return !entry.second.own; });
}

void OwnCode::settle(const ProcessId& process, bool own, std::int64_t at) {
  if (!own && !package_code_ran_) {
    package_code_ran_ = true;
    package_code_since_ = at - kTick;
  }
  if (process.start == 0) return;
  if (known_.size() >= kMaxKnownStarts) {
    std::erase_if(known_, [](const auto& entry) {
      const auto status = read_process_status(entry.first);
      return !status || status->id.start != entry.second.start;
    });
    // More than that alive: nobody starts a manager any more.
    if (known_.size() >= kMaxKnownStarts) top_ = {};
  }
  known_[process.pid] = {process.start, own};
}

bool OwnCode::follows(const ProcessStatus& process) const {
  ProcessStatus at = process;
  for (int depth = 0; depth < kMaxParents && top_.pid != 0; ++depth) {
    const auto known = known_.find(at.id.pid);
    if (known != known_.end() && known->second.start == at.id.start && !known->second.own) {
      return false;
    }
    if (at.id == top_) return true;
    const auto parent = at.parent > 1 ? read_process_status(at.parent) : std::nullopt;
    if (!parent) return false;
    at = *parent;
  }
  return false;
}

bool OwnCode::runs_what_was_written(int thread, const Look& program, const ExecFacts& facts,
                                    const ProcessRoot& root) const {
  if (written_.may_be_written(thread, program.real_path)) return true;
  if (!is_interpreter(base::file_name(program.real_path))) return false;
  const std::vector<std::string>& words = facts.arguments;
  return std::any_of(words.begin() + (words.empty() ? 0 : 1), words.end(),
                     [&](const std::string& word) {
                       if (word.empty()) return false;
                       const Look file = root.look_up(word);
                       return file.result == Look::Result::found && S_ISREG(file.status.st_mode) &&
                              written_.may_be_written(thread, file.real_path);
                     });
}

/// A script in package.json that a package has written there is the package's.
bool OwnCode::says_its_own_script(const OwnExec& exec) const {
  return !package_code_ran_ || exec.script_directory.empty() ||
         written_.manifest_is_kept(exec.script_directory);
}

bool OwnCode::is_of_package(const OwnExec& exec, const std::string& path) const {
  if (holds(path, "/node_modules/") || holds(path, "/site-packages/") ||
      holds(path, "/dist-packages/")) {
    return true;
  }
  // A program in an environment's bin was put there by a package.
  const std::string bin = base::parent_path(path);
  return base::file_name(bin) == "bin" &&
         exec.root->look_up(base::join_path(base::parent_path(bin), "pyvenv.cfg")).result !=
             Look::Result::missing;
}

bool OwnCode::is_own_program(const OwnExec& exec, bool others_live) {
  if (exec.program->result != Look::Result::found) return false;
  const std::string& path = exec.program->real_path;
  if (is_of_package(exec, path)) return false;
  if (package_code_ran_ && written_.may_be_written(exec.thread, path)) return false;
  const std::vector<std::string>& arguments = exec.facts->arguments;
  const bool interprets = is_interpreter(base::file_name(path));
  const bool is_text = interprets && has_text(path, arguments);
  if (interprets && !is_text) {
    // The script, and what options load before it: `node -r x script`.
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      if (arguments[i].empty()) continue;
      const bool option = arguments[i].front() == '-';
      const Look script = option ? Look{} : exec.root->look_up(arguments[i]);
      if (script.result == Look::Result::found) {
        if (is_of_package(exec, script.real_path)) return false;
        if (package_code_ran_ && written_.may_be_written(exec.thread, script.real_path)) {
          return false;
        }
      }
      if (!option && script.result != Look::Result::found && holds(arguments[i], "node_modules")) {
        return false;
      }
      if (!option && script.result == Look::Result::found) break;
    }
  }
  if (!package_code_ran_) return true;
  // A shell's text is said by who starts it; anything else reads files, and may load others.
  return (is_text && is_shell(path)) || (!others_live && written_.only_packages_are_written() &&
                                         !written_.remembered_have_changed(*exec.root));
}

/// The Python environments that it starts in (`.venv/bin/pip`, `.venv/bin/python -m pip`: by what
/// it was called, for its python is a link); nullopt: one has changed since a package's code ran.
std::optional<std::vector<std::string>> OwnCode::unchanged_environments(const OwnExec& exec) const {
  std::vector<std::string> found;
  for (const std::string& program : {exec.facts->path, exec.program->real_path}) {
    const std::string prefix = base::parent_path(base::parent_path(program));
    const Look mark = exec.root->look_up(base::join_path(prefix, "pyvenv.cfg"));
    if (mark.result == Look::Result::missing) continue;
    if (mark.result != Look::Result::found) return std::nullopt;
    found.push_back(base::parent_path(mark.real_path));
    if (written_.python_start_is_changed(found.back(), package_code_since_)) return std::nullopt;
  }
  return found;
}

/// As the host has it; or of an environment, made by the command before any package's code ran: a
/// program, or pip's own script, by which it starts itself to install what a build needs.
bool OwnCode::is_as_before(const OwnExec& exec, const std::string& path,
                           const std::vector<std::string>& environments) const {
  if (!written_.may_be_written(exec.thread, path)) return true;
  const std::string directory = base::parent_path(path);
  const bool is_known =
      std::any_of(environments.begin(), environments.end(), [&](const std::string& environment) {
        return directory == base::join_path(environment, "bin") ||
               (base::is_beneath(path, environment) && directory.ends_with("/site-packages/pip"));
      });
  return is_known && !written_.is_changed(path, package_code_since_);
}

/// What an interpreter is told to run: its script, or a module, which Python looks for in the
/// working directory first.
bool OwnCode::runs_what_was_there(const OwnExec& exec,
                                  const std::vector<std::string>& environments) const {
  const std::string name = base::file_name(exec.program->real_path);
  if (!is_interpreter(name)) return true;
  for (std::size_t i = 1; i < exec.facts->arguments.size(); ++i) {
    const std::string& argument = exec.facts->arguments[i];
    if (argument == "-m" && name.starts_with("py")) {
      const Look here = exec.root->look_up(exec.facts->working_directory);
      return here.result == Look::Result::found &&
             !written_.modules_are_changed(exec.thread, here.real_path, package_code_since_);
    }
    if (argument.starts_with('-')) continue;
    const Look script = exec.root->look_up(argument);
    return script.result == Look::Result::found &&
           is_as_before(exec, script.real_path, environments);
  }
  return true;
}

bool OwnCode::nothing_is_planted(const OwnExec& exec) const {
  const auto environments = unchanged_environments(exec);
  if (!environments || !is_as_before(exec, exec.program->real_path, *environments) ||
      !runs_what_was_there(exec, *environments)) {
    return false;
  }
  if (written_.remembered_have_changed(*exec.root)) return false;
  if (written_.cache_is_written("corepack")) return false;
  const Look here = exec.root->look_up(exec.facts->working_directory);
  if (here.result != Look::Result::found) return false;
  for (std::string at = here.real_path;; at = base::parent_path(at)) {
    for (const char* name : kLoaded) {
      if (written_.may_be_written(exec.thread, base::join_path(at, name))) return false;
    }
    if (!written_.manifest_is_kept(at)) return false;
    if (at == project_ || at == "/" || !base::is_beneath(at, project_)) break;
  }
  return true;
}

}  // namespace sandbox_run::watch
