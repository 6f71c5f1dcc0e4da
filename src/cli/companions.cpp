#include "cli/companions.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "base/format.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/ask.h"
#include "plan/configuration_files.h"
#include "plan/work_places.h"
#include "policy/environment.h"
#include "policy/registries.h"
#include "sandbox/setup_step.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;
using policy::PackageManager;

struct Companion {
  PackageManager manager;
  const char* profile;
  std::vector<const char*> programs;
  std::vector<const char*> marks;  // files of a project that uses it
};

const std::vector<Companion>& companions() {
  static const std::vector<Companion> kCompanions{
      {PackageManager::npm, "npm", {"npm", "npx"}, {"package.json"}},
      {PackageManager::pnpm, "pnpm", {"pnpm", "pnpx"}, {"pnpm-lock.yaml", "pnpm-workspace.yaml"}},
      {PackageManager::yarn, "yarn", {"yarn", "yarnpkg"}, {"yarn.lock"}},
      {PackageManager::pip,
       "pip",
       {"pip", "pip3", ".venv/bin/pip", "venv/bin/pip"},
       {"requirements.txt", "pyproject.toml", "setup.py", "setup.cfg"}},
      {PackageManager::bun, "bun", {"bun", "bunx"}, {"bun.lock", "bun.lockb", "bunfig.toml"}},
      {PackageManager::deno, "deno", {"deno"}, {"deno.json", "deno.jsonc", "deno.lock"}}};
  return kCompanions;
}

/// The project, where the command was typed, and one level below: `cd client && npm ci`.
std::vector<std::string> places_of(const plan::HostFacts& facts) {
  constexpr std::size_t kMaxPlaces = 300;
  if (facts.has_no_project) return {facts.project};
  std::vector<std::string> places{facts.project, facts.working_directory};
  for (std::size_t i = 0; i < 2; ++i) {
    const base::UniqueFd directory(::open(places[i].c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) continue;
    for (const base::DirectoryEntry& entry : base::list_directory(directory.get())) {
      if (entry.type == DT_DIR && !entry.name.starts_with('.') && places.size() < kMaxPlaces) {
        places.push_back(join_path(places[i], entry.name));
      }
    }
  }
  return places;
}

bool is_word_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '-';
}

bool has_word(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word_letter(text[at - 1])) &&
        (end == text.size() || !is_word_letter(text[end]))) {
      return true;
    }
  }
  return false;
}

/// What says which programs the command starts: its own words, the script that it is, a Makefile,
/// the scripts of package.json. A hint of whom to ask, and no more.
std::string texts_of_command(const plan::HostFacts& facts) {
  constexpr std::size_t kMaxText = 256U << 10;
  std::string texts = base::join(facts.command.arguments, "\n");
  const auto add = [&](const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
    if (status.st_size > static_cast<off_t>(kMaxText)) return;
    texts += "\n" + base::read_file_if_readable(path, kMaxText).value_or("");
  };
  for (const std::string& word : facts.command.arguments) {
    const std::string path = base::absolute_path(word, facts.working_directory);
    if (base::is_beneath(path, facts.project)) add(path);
  }
  for (const std::string& place : {facts.project, facts.working_directory}) {
    for (const char* name : {"GNUmakefile", "makefile", "Makefile", "justfile", "tox.ini"}) {
      add(join_path(place, name));
    }
    const auto manifest = base::parse_json(
        base::read_file_if_readable(join_path(place, "package.json"), kMaxText).value_or(""));
    const auto* scripts = manifest ? base::find_member(*manifest, "scripts") : nullptr;
    if (scripts != nullptr) texts += "\n" + base::to_json(*scripts);
  }
  return texts;
}

bool is_wanted(const Companion& kind, PackageManager main, const std::vector<std::string>& places,
               const std::string& texts) {
  if (kind.manager == main || main == PackageManager::pip) return false;
  // `npx only-allow pnpm`, `npm pkg set …`: every project of Node.js has npm at hand.
  if (kind.manager == PackageManager::npm && main != PackageManager::none) return true;
  const bool is_marked = std::any_of(places.begin(), places.end(), [&](const std::string& place) {
    return std::any_of(kind.marks.begin(), kind.marks.end(),
                       [&](const char* mark) { return base::exists(join_path(place, mark)); });
  });
  return is_marked ||
         std::any_of(kind.programs.begin(), kind.programs.end(),
                     [&](const char* name) { return has_word(texts, base::file_name(name)); });
}

std::vector<plan::CommandFact> programs_of(const Companion& kind, const plan::HostFacts& facts) {
  std::vector<plan::CommandFact> programs;
  for (const char* name : kind.programs) {
    const std::string word(name);
    const bool in_project = word.find('/') != std::string::npos;
    plan::CommandFact program =
        plan::look_at_command({in_project ? join_path(facts.project, word) : word}, facts);
    if (!program.path.empty() && program.executable) programs.push_back(std::move(program));
  }
  return programs;
}

template <typename Value>
void add_missing(std::vector<Value>& list, const std::vector<Value>& more) {
  for (const Value& value : more) {
    if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
  }
}

/// What a companion's caches may keep: its rules come after those that are there.
void add_cache_rules(policy::FilesystemPolicy& files, const policy::FilesystemPolicy& more) {
  for (const policy::TargetRules& rules : more.targets) {
    if (rules.kind != policy::TargetKind::cache) continue;
    const auto own = std::find_if(
        files.targets.begin(), files.targets.end(),
        [](const policy::TargetRules& other) { return other.kind == policy::TargetKind::cache; });
    if (own == files.targets.end()) {
      files.targets.push_back(rules);
    } else {
      add_missing(own->rules, rules.rules);
    }
  }
}

void add_words(const policy::Policy& policy, policy::CommandRule& manages) {
  if (!policy.manages) return;
  add_missing(manages.commands, policy.manages->commands);
  add_missing(manages.unless, policy.manages->unless);
}

void add_companion(const policy::Policy& policy, const plan::HostFacts& facts,
                   Preparation& prepared) {
  policy::Policy& own = prepared.policy;
  for (policy::CacheDirectory cache : policy.files.caches) {
    cache.path = plan::expand(cache.path, facts);  // its own cache, not the command's
    if (!cache.path.empty()) add_missing(own.files.caches, {cache});
  }
  add_cache_rules(own.files, policy.files);
  add_words(policy, prepared.manages);
  for (const policy::HomeFile& file : policy.files.home_files) {
    add_missing(own.files.home_files, {file});
    const std::string path = plan::expand(policy::home_file_path(file, facts.environment), facts);
    if (path.empty()) continue;
    if (auto text = base::read_file_if_readable(path, 1U << 20)) {
      plan::add_home_configuration(file, path, *text, prepared.facts);
      prepared.facts.home_files.emplace(path, std::move(*text));
    }
  }
  add_registry_rules(prepared, facts.package_manager.registries);
}

}  // namespace

void add_registry_rules(Preparation& prepared, const std::vector<std::string>& urls) {
  const policy::RegistryRules registries = policy::rules_for_registries(urls);
  auto& allow = prepared.policy.network.allow;
  for (const std::string& service : registries.loopback) {
    const policy::HostAndPort wanted = policy::parse_host_and_port(service);
    const bool allowed =
        std::any_of(allow.begin(), allow.end(), [&](const policy::EgressRule& rule) {
          return rule.host.is_loopback() &&
                 std::find(rule.ports.begin(), rule.ports.end(), wanted.port) != rule.ports.end();
        });
    if (!allowed) {
      prepared.hints.push_back(
          base::format("the registry {0} is on this machine itself, which the sandbox can't reach "
                       "unless you say so: sandbox-run --allow-host {0} …",
                       service));
    }
  }
  std::vector<policy::EgressRule> rules = registries.rules;
  for (const policy::Audience& audience : prepared.policy.network.registries_for) {
    for (policy::EgressRule rule : registries.rules) {
      rule.audience = audience;
      rules.push_back(std::move(rule));
    }
  }
  // First: what is a registry for the package manager may be a plain host for others.
  std::erase_if(rules, [&](const policy::EgressRule& rule) {
    return std::find(allow.begin(), allow.end(), rule) != allow.end();
  });
  allow.insert(allow.begin(), rules.begin(), rules.end());
}

std::vector<workspace::NestedCommand> judged_commands(
    const policy::ProfileSet& profiles, const std::vector<watch::NestedManager>& nested) {
  std::vector<workspace::NestedCommand> commands;
  for (const watch::NestedManager& manager : nested) {
    std::vector<std::string> words = manager.arguments;
    // ["node", "…/npm-cli.js", "ci"]
    const bool is_script =
        words.size() > 1 && words[1].find('/') != std::string::npos && !words[1].starts_with('-');
    if (is_script) words.erase(words.begin());
    if (words.empty()) continue;
    const policy::Policy policy = profiles.select(profiles.name_for({words, words.front()}));
    for (const policy::TargetRules& rules : policy.files.targets) {
      if (rules.kind != policy::TargetKind::project) continue;
      commands.push_back({manager.directory, std::move(words), rules});
      break;
    }
  }
  return commands;
}

void add_companions(const policy::ProfileSet& profiles, Preparation& prepared) {
  const PackageManager main = prepared.policy.package_manager;
  if (main != PackageManager::none) {
    prepared.managers = prepared.facts.command.chain;
    add_words(prepared.policy, prepared.manages);
  }
  const std::vector<std::string> places = places_of(prepared.facts);
  const std::string texts = main == PackageManager::pip ? "" : texts_of_command(prepared.facts);
  for (const Companion& kind : companions()) {
    if (kind.manager == main) {  // npx beside npm
      for (const plan::CommandFact& program : programs_of(kind, prepared.facts)) {
        add_missing(prepared.managers, program.chain);
      }
    }
    if (!is_wanted(kind, main, places, texts)) continue;
    const std::vector<plan::CommandFact> programs = programs_of(kind, prepared.facts);
    if (programs.empty()) continue;
    const policy::Policy policy = profiles.select(kind.profile);
    plan::HostFacts facts = prepared.facts;
    facts.command = programs.front();
    facts.manager_directory = plan::find_work_places(kind.manager, facts.command.arguments,
                                                     facts.working_directory, facts.home_real)
                                  .manager;
    if (!base::is_beneath(facts.manager_directory, facts.project)) {
      facts.manager_directory = facts.project;
    }
    try {
      facts.package_manager = ask_package_manager(policy, facts);
    } catch (const base::UserError&) {
      continue;  // one that is broken here is none that the command can use
    } catch (const sandbox::SetupError&) {
      continue;
    }
    for (const plan::CommandFact& program : programs) {
      add_missing(prepared.managers, program.chain);
    }
    add_companion(policy, facts, prepared);
  }
}

}  // namespace sandbox_run::cli
