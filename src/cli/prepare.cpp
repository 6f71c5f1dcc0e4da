#include "cli/prepare.h"

#include <unistd.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/format.h"
#include "base/io.h"
#include "base/path.h"
#include "base/random.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/asked_variables.h"
#include "cli/commands/sub_command_options.h"
#include "cli/companions.h"
#include "cli/exit_code.h"
#include "cli/git_hooks.h"
#include "cli/global_places.h"
#include "cli/large_trees.h"
#include "cli/made_targets.h"
#include "cli/own_places.h"
#include "cli/state.h"
#include "plan/global_install.h"
#include "policy/command_words.h"
#include "policy/hide.h"
#include "policy/profile.h"
#include "policy/registries.h"
#include "sandbox/overlay_probe.h"
#include "workspace/foreign_owners.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;
using base::printable;

policy::UserConfig read_user_config(const plan::HostFacts& facts) {
  const std::string path = join_path(facts.config_home, "sandbox-run/config.toml");
  const auto text = base::read_file_if_readable(path, 1U << 20);
  return text ? policy::parse_user_config(*text, path) : policy::UserConfig{};
}

void require_command(const plan::CommandFact& command) {
  const std::string name = printable(command.arguments.front());
  if (command.path.empty()) {
    const std::string near = near_sub_command(command.arguments.front());
    throw CommandError(kNotFound,
                       name + ": command not found; " +
                           (near.empty() ? "" : "did you mean sandbox-run " + near + "? Else ") +
                           "install it, or check PATH");
  }
  if (!command.executable) {
    throw CommandError(kNotExecutable,
                       name + ": not executable: chmod +x " + printable(command.path));
  }
}

void require_writable_project(const plan::HostFacts& facts) {
  // npm --prefix may name one that is still to be made.
  if (::access(existing_directory(facts.project).c_str(), W_OK) != 0) {
    throw UnfitError("the project " + printable(facts.project) + " can't be written (" +
                     base::SysError("").code().message() +
                     "): make it writable, or run in a copy of it");
  }
}

std::string empty_cache_note(const workspace::Target& target) {
  return base::format(
      "the command finds the cache {} empty, for {}; what it adds is kept, and a cache of your own "
      "is "
      "faster",
      printable(target.path),
      target.has_foreign_owners ? "others' files in it can't be changed from inside the sandbox"
                                : "no overlay can lie above its file system");
}

/// What of the targets no overlay can change is changed in a copy; what nobody but its owner may
/// change is said before anything runs.
void look_at_owners(Preparation& prepared) {
  const plan::HostFacts& facts = prepared.facts;
  for (workspace::Target& target : prepared.targets) {
    const workspace::ForeignOwners foreign =
        workspace::look_for_foreign_owners(target, facts.privileged);
    target.has_foreign_owners = foreign.stop_overlays;
    target.lower_is_copied = target.lower_is_copied || foreign.stop_overlays;
    if (target.kind == policy::TargetKind::cache) {
      if (target.lower_is_copied) prepared.warnings.push_back(empty_cache_note(target));
      continue;  // what can't be written to it is not kept, as ever
    }
    std::erase_if(target.hidden,
                  [&](const std::string& name) { return foreign.not_to_hide.contains(name); });
    if (foreign.closed.empty()) continue;
    prepared.warnings.push_back(
        base::format("other owners' files in {}, which can't be changed: {}; to change that: sudo "
                     "chown -R {}:{} {}",
                     printable(target.path), printable(base::join(foreign.closed, ", ")), facts.uid,
                     facts.gid, printable(base::shell_words({target.path}))));
  }
}

/// --ro and --rw name what is shown; $HOME or anything above it would show every credential.
void refuse_wide_paths(const plan::HostFacts& facts, const policy::FilesystemPolicy& files) {
  const auto check = [&](const char* option, const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      const std::string real = base::real_path(path).value_or(path);
      if (base::is_beneath(facts.home_real, real) || base::is_beneath(facts.home, path)) {
        throw base::UserError(std::string(option) + " " + printable(path) +
                              " would show your home directory with all its credentials: name the "
                              "directories in it that are needed");
      }
    }
  };
  check("--ro", files.read_only);
  check("--rw", files.read_write);
}

/// Texts of the files that -r and --requirement name.
std::vector<std::string> requirement_texts(const plan::HostFacts& facts) {
  std::vector<std::string> texts;
  const std::vector<std::string>& arguments = facts.command.arguments;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    std::string name;
    if ((arguments[i] == "-r" || arguments[i] == "--requirement") && i + 1 < arguments.size()) {
      name = arguments[i + 1];
    } else if (arguments[i].rfind("--requirement=", 0) == 0) {
      name = arguments[i].substr(14);
    } else if (arguments[i].rfind("-r", 0) == 0 && arguments[i].size() > 2) {
      name = arguments[i].substr(2);
    }
    if (name.empty()) continue;
    const std::string path = base::absolute_path(name, facts.working_directory);
    if (auto text = base::read_file_if_readable(path, 4U << 20)) texts.push_back(std::move(*text));
  }
  return texts;
}

void add_registries(Preparation& prepared) {
  const plan::HostFacts& facts = prepared.facts;
  const policy::PackageManager manager = prepared.policy.package_manager;
  std::vector<std::string> urls = facts.package_manager.registries;
  for (std::string& url : policy::registries_in_arguments(manager, facts.command.arguments,
                                                          requirement_texts(facts))) {
    urls.push_back(std::move(url));
  }
  add_registry_rules(prepared, urls);
}

/// The user's own configuration of the package manager, as far as it is about proxies: the copy
/// that is shown inside says nothing of them. Later entries count less: the environment comes
/// first.
policy::ProxyPolicy find_proxies(const Preparation& prepared) {
  if (prepared.policy.network.allow.empty()) return {};
  const plan::HostFacts& facts = prepared.facts;
  const policy::PackageManager manager = prepared.policy.package_manager;
  policy::Variables variables = facts.environment;
  std::string path;
  if (manager == policy::PackageManager::pip) {
    path = join_path(facts.config_home, "pip/pip.conf");
  } else if (manager != policy::PackageManager::none) {
    path = join_path(facts.home, ".npmrc");
  }
  for (const auto& [name, value] : facts.environment) {
    const std::string_view own =
        manager == policy::PackageManager::pip ? "PIP_CONFIG_FILE" : "npm_config_userconfig";
    if (!path.empty() && name == own && value.starts_with('/')) path = value;
  }
  const auto text = path.empty() ? std::nullopt : base::read_file_if_readable(path, 1U << 20);
  if (text) {
    for (auto& setting : policy::proxy_settings(manager, *text, facts.environment)) {
      variables.push_back(std::move(setting));
    }
  }
  return policy::proxies_in(manager, variables);
}

void add_decoys(Preparation& prepared) {
  if (prepared.policy.decoys == policy::DecoyMode::off) return;
  policy::DecoySet decoys = policy::make_decoys(base::random_bytes, prepared.facts.home_real);
  if (prepared.policy.decoys != policy::DecoyMode::files_and_environment) decoys.variables.clear();
  // Such a one is the registry's password: with a false one, the package manager could not log in.
  std::erase_if(decoys.variables, [&](const policy::DecoyVariable& variable) {
    return asks_for(prepared.facts, variable.name).has_value();
  });
  prepared.facts.decoys = std::move(decoys);
}

std::vector<workspace::Target> existing_targets(const std::vector<plan::TargetChoice>& choices) {
  std::vector<workspace::Target> targets;
  for (const plan::TargetChoice& choice : choices) {
    // A place reached through a link is the place it leads to.
    const std::string path = base::real_path(choice.path).value_or(choice.path);
    const bool known =
        std::any_of(targets.begin(), targets.end(),
                    [&](const workspace::Target& other) { return other.path == path; });
    if (known) continue;
    workspace::Target& target = targets.emplace_back();
    target.path = path;
    target.kind = choice.kind;
    target.packages = choice.packages;
    target.known_as = choice.known_as;
    const bool is_elsewhere = targets.size() > 1 && (choice.kind == policy::TargetKind::project ||
                                                     choice.kind == policy::TargetKind::extra);
    using Telling = workspace::Target::Telling;
    if (is_elsewhere) target.telling = choice.is_new ? Telling::whole : Telling::absolute;
    target.is_neighbour = choice.is_neighbour;
    target.lower_is_empty = !base::is_directory(path);
    target.lower_is_copied = !target.lower_is_empty && !sandbox::can_be_lower(path);
  }
  return targets;
}

bool is_shown_by_name(const Preparation& prepared, const std::string& wanted) {
  const plan::HostFacts& facts = prepared.facts;
  std::vector<std::string> shown = facts.linked.shown;
  const auto add = [&](const std::vector<plan::HostPath>& paths) {
    for (const plan::HostPath& path : paths) shown.push_back(path.real);
  };
  add(facts.read_only);
  add(facts.path_entries);
  for (const plan::ToolchainFact& toolchain : facts.toolchains) add(toolchain.roots);
  for (const auto& [path, text] : facts.home_files) shown.push_back(path);
  for (const workspace::Target& target : prepared.targets) shown.push_back(target.path);
  return std::any_of(shown.begin(), shown.end(), [&](const std::string& place) {
    return base::is_beneath(wanted, place) || base::is_beneath(place, wanted);
  });
}

/// What the user typed, or his git leads to, and is not to be shown unasked.
void name_what_is_not_shown(Preparation& prepared) {
  for (const std::string& path : prepared.facts.not_shown) {
    if (is_shown_by_name(prepared, path)) continue;
    prepared.warnings.push_back(base::format("{} is not shown in the sandbox; to show it: --ro {}",
                                             printable(path),
                                             printable(base::shell_words({path}))));
  }
}

/// What the command is known to empty first, but for what it is itself run from.
void add_hidden(Preparation& prepared) {
  const std::vector<std::string>& arguments = prepared.facts.command.arguments;
  for (workspace::Target& target : prepared.targets) {
    target.hidden = policy::hidden_directories(prepared.policy, target.kind, arguments);
    std::erase_if(target.hidden, [&](const std::string& name) {
      const std::string directory = join_path(target.path, name);
      const auto& chain = prepared.facts.command.chain;
      return std::any_of(chain.begin(), chain.end(), [&](const std::string& program) {
        return base::is_beneath(program, directory);
      });
    });
  }
}

/// The sandbox's own /tmp ends with the run.
void keep_temporary_files(Preparation& prepared) {
  const auto& targets = prepared.policy.files.targets;
  const bool is_for_user = std::any_of(targets.begin(), targets.end(), [&](const auto& rules) {
    return rules.temporary && policy::holds_for(*rules.temporary, prepared.facts.command.arguments);
  });
  if (!is_for_user) return;
  constexpr std::size_t kRandomBytes = 8;  // nobody can have made it before
  const std::string place =
      std::string(plan::kKeptTemporary) + base::hex_encode(base::random_bytes(kRandomBytes));
  prepared.facts.new_places.made.push_back(place);
  prepared.policy.environment.set["TMPDIR"] = place;
}

/// What is installed globally needs no project: it can be typed in the home directory, too.
void do_without_project(plan::HostFacts& facts) {
  // Not in the state: nothing that a command may change lies there.
  std::string place = join_path(facts.cache_home, "sandbox-run/no-project");
  base::make_directories(place, 0700);
  place = base::real_path(place).value_or(place);
  facts.project = place;
  facts.manager_directory = place;
  facts.more_projects.clear();
  facts.project_refusal.clear();
  facts.working_directory_is_lost = true;
  facts.has_no_project = true;
}

}  // namespace

Preparation prepare(const Options& options, Timings& timings) {
  Preparation prepared;
  const policy::ProfileSet profiles = policy::ProfileSet::built_in();
  // The command's place decides the profile, and only the profile says what else to look at.
  plan::HostFacts first = plan::look_at_caller(options.command);
  require_command(first.command);
  std::string name = options.profile;
  if (name.empty()) {
    name = profiles.name_for(
        {options.command, first.command.chain.empty() ? "" : first.command.chain.front()});
  }
  const policy::UserConfig config = read_user_config(first);
  prepared.policy = policy::merge_policy(profiles.select(name), config, options.rules);
  if (!policy::manages_packages(prepared.policy, options.command)) {
    prepared.policy.package_manager = policy::PackageManager::none;
  }
  for (const std::string& sink : config.event_sinks) {
    prepared.event_sinks.push_back(events::parse_sink(sink));
  }
  prepared.event_sinks.insert(prepared.event_sinks.end(), options.events.begin(),
                              options.events.end());
  timings.end("policy");
  prepared.facts = plan::gather_facts(prepared.policy, std::move(first));
  timings.end("facts of the host");
  prepared.facts.large_trees = read_large_trees(state_directory(prepared.facts.state_home));
  const plan::LargeTrees known = prepared.facts.large_trees;
  plan::add_private_places(prepared.policy, prepared.facts);
  prepared.has_new_large_trees = prepared.facts.large_trees != known;
  timings.end("what others may not read");
  if (!prepared.facts.project_refusal.empty()) {
    if (!plan::changes_global_packages(prepared.policy.package_manager, options.command)) {
      throw base::UserError(prepared.facts.project_refusal);
    }
    do_without_project(prepared.facts);
  }
  refuse_wide_paths(prepared.facts, prepared.policy.files);
  require_writable_project(prepared.facts);
  if (prepared.policy.package_manager != policy::PackageManager::none) {
    try {
      prepared.facts.package_manager = ask_package_manager(prepared.policy, prepared.facts);
    } catch (const base::UserError&) {
      // The message's own cure: the user says which host it is.
      if (options.rules.allow_hosts.empty()) throw;
    }
    add_global_places(prepared);
    if (const auto& python = prepared.facts.package_manager.python) {
      prepared.facts.package_manager_may_write =
          !python->install_directories.empty() && may_write(python->install_directories.front());
    }
    add_registries(prepared);
    timings.end("package manager");
  }
  protect_places_of_git(prepared.facts, prepared.policy.files);
  add_companions(profiles, prepared);
  timings.end("other package managers");
  if (prepared.facts.working_directory_is_lost && !prepared.facts.has_no_project) {
    prepared.warnings.push_back(base::format(
        "this directory can't be shown in the sandbox: what the command leaves in {} itself, and "
        "not in {}, is lost",
        printable(prepared.facts.working_directory), printable(prepared.facts.project)));
  }
  prepared.proxies = find_proxies(prepared);
  add_decoys(prepared);
  keep_temporary_files(prepared);
  prepared.targets = existing_targets(plan::choose_targets(prepared.policy, prepared.facts));
  refuse_own_places(prepared.facts, prepared.targets);
  protect_own_files(options.profile, prepared.facts, prepared.targets, prepared.policy.files);
  name_what_is_not_shown(prepared);
  add_hidden(prepared);
  look_at_owners(prepared);
  timings.end("targets");
  return prepared;
}

std::optional<std::string> note_of_unseen(const plan::HostFacts& facts) {
  if (facts.unseen.empty()) return std::nullopt;
  const std::size_t more = facts.unseen.size() - 1;
  return base::format(
      "{}{} not shown: there are too many files to see which of them others may not read; to show "
      "it as it is: --ro {}",
      printable(facts.unseen.front()),
      more == 0 ? " is" : base::format(" and {} other directories are", more),
      printable(base::shell_words({facts.unseen.front()})));
}

std::vector<std::string> notes_of_wanted(const Preparation& prepared) {
  std::vector<std::string> notes;
  for (const plan::WantedPlace& place : prepared.facts.linked.wanted) {
    if (is_shown_by_name(prepared, place.path)) continue;
    const std::string words = base::shell_words({place.path});
    notes.push_back(place.written
                        ? base::format("the repository {} is not shown in the sandbox; to let the "
                                       "command change it: --rw {}",
                                       printable(place.path), printable(words))
                        : base::format("the repository {} is not shown in the sandbox; to show it: "
                                       "--ro {}",
                                       printable(place.path), printable(words)));
  }
  return notes;
}

}  // namespace sandbox_run::cli
