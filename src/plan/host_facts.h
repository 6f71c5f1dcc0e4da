#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plan/host_path.h"
#include "plan/linked_places.h"
#include "plan/new_places.h"
#include "plan/parcel.h"
#include "policy/decoys.h"
#include "policy/global_install.h"
#include "policy/policy.h"
#include "policy/registries.h"

// What is so on this host. A value; gather_facts() and add_private_places() are the only code of
// plan/ that looks at the host.

namespace sandbox_run::plan {

/// One toolchain row of the policy as found here.
struct ToolchainFact {
  std::string name;
  std::vector<HostPath> roots;  // root and `also`, those that exist
  std::vector<HostPath> hidden;
  std::vector<std::string> prefixes = {};  // globs relative to a root
};

/// A file (or, of what is nothing but credentials, a directory) that no tree may show as it is.
struct ConfigurationFile {
  std::string real;
  bool directory = false;
  std::optional<std::string> text;  // nullopt: it shows nothing
  policy::HomeFile rules;           // what its copy shows
};

/// What others may not read.
struct PrivatePlace {
  std::string real;
  bool directory = false;
  bool of_neighbour = false;  // in a directory that is a target, it may be
  bool operator==(const PrivatePlace&) const = default;
};

/// The command and everything that it takes to start it: itself, what its links lead to, its #!
/// interpreters in turn.
struct CommandFact {
  std::vector<std::string> arguments;
  std::string path;  // absolute, as found in PATH; "" if not found
  bool executable = true;
  std::vector<std::string> chain;  // real paths, the command's own first
  std::string interpreter;  // as its #! line names it, env(1) resolved: a venv's python; "" if none
};

struct HostFacts {
  uid_t uid = 0;
  gid_t gid = 0;
  bool privileged = false;  // may map every id: really root, with CAP_SETUID and CAP_SETGID
  std::string home;         // $HOME, else the password database's
  std::string home_real;
  std::string working_directory;                               // getcwd(3)
  std::string cache_home, config_home, data_home, state_home;  // XDG base directories
  std::vector<std::pair<std::string, std::string>> environment;
  int landlock_abi = 0;
  // See plan/work_places.h.
  std::string project;  // the enclosing workspace root, or the directory that the command works in
  std::vector<std::string> more_projects;  // the working directory's, where that is another one
  std::string manager_directory;           // where the package manager has its configuration
  std::string project_refusal;             // not "": why `project` must not be a target, in words
  bool working_directory_is_lost = false;  // it can't be shown: an empty one stands for it
  /// A command that changes global packages alone, typed where no project can be: `project` is an
  /// empty directory of ours.
  bool has_no_project = false;
  LinkedPlaces linked;   // what the project leads to, git directories among what is shown
  NewPlaces new_places;  // that the command line names
  std::vector<std::string> not_shown;  // typed, or of git's alternates: named in a note
  CommandFact command;
  std::vector<HostPath> path_entries;  // of PATH, absolute, those that exist
  /// PREFIX/lib of each PREFIX/bin among them: what links in there lead to.
  std::vector<HostPath> path_libraries;
  std::vector<HostPath> system;
  std::vector<HostPath> etc;
  std::vector<ToolchainFact> toolchains;
  std::map<std::string, std::string> home_files;  // expanded path → text
  std::vector<ConfigurationFile> configuration;
  std::vector<PrivatePlace> private_places;
  std::vector<std::string> unseen;       // among them what was too much to look at: named in a note
  LargeTrees large_trees;                // known from earlier runs (cli/large_trees.h), and found
  std::vector<HostPath> file_variables;  // files that allowed variables name
  std::vector<HostPath> read_only;       // --ro
  std::vector<HostPath> devices;         // /dev/null, … that exist
  std::vector<HostPath> kernel_secrets;  // /proc/kcore, … that exist
  std::vector<std::string> unix_sockets;        // paths that somebody listens on (/proc/net/unix)
  policy::PackageManagerFacts package_manager;  // filled by cli/ after asking
  policy::DecoySet decoys;  // made for this run by cli/, as far as the policy wants them
  enum class GlobalPrefix { open, closed };  // may the caller change global packages?
  GlobalPrefix global_prefix = GlobalPrefix::open;
  /// A global install to a prefix of the user's own, or to one that he named (global_install.h).
  std::optional<policy::GlobalInstall> global;
  bool package_manager_may_write = false;  // pip: its site-packages are writable for the caller
};

/// As execvp(3) finds it by the PATH of `facts`.
CommandFact look_at_command(const std::vector<std::string>& arguments, const HostFacts& facts);

/// `{home}/x` → "/home/u/x"; {cache_home} {config_home} {data_home} {state_home}
/// {package_manager_cache} likewise. "" if the value is not known.
std::string expand(const std::string& path, const HostFacts& facts);

/// Who calls, from where, and what: all that can be said before a profile is chosen. Throws
/// UserError where the host leaves no sensible answer (the working directory is gone).
HostFacts look_at_caller(const std::vector<std::string>& arguments);
/// The rest, as the policy asks for it.
HostFacts gather_facts(const policy::Policy& policy, HostFacts caller);
/// policy::is_release(), of the project's own manifest.
bool makes_release(const policy::Policy& policy, const HostFacts& facts);

/// And what takes longest: private_places.h, neighbours.h.
void add_private_places(const policy::Policy& policy, HostFacts& facts);

}  // namespace sandbox_run::plan
