#include "cli/ask.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/digest.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/state.h"
#include "cli/supervise.h"
#include "plan/plan_builder.h"
#include "policy/environment.h"
#include "policy/npm_config.h"
#include "policy/read_answers.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;
using policy::Answers;
using policy::RegistryQuery;

constexpr const char* kAnswerVersion = "3";  // of the key's and the file's form
constexpr std::chrono::seconds kAnswerTime{60};

/// What happens inside a question is no event of the run.
/// ["npm"], or ["python3", "-m", "pip"].
std::vector<std::string> own_words(const std::vector<std::string>& arguments) {
  const auto module = std::find(arguments.begin(), arguments.end(), "-m");
  if (arguments.size() > 2 && module == arguments.begin() + 1) {
    return {arguments.begin(), arguments.begin() + 3};
  }
  return {arguments.front()};
}

/// The package manager itself: the command, its sibling (npx and bunx answer no question), or, if
/// the profile was named for another command (--profile npm -- ./build.sh), the one on PATH.
std::string answering_program(policy::PackageManager manager, const plan::HostFacts& facts) {
  static const std::map<policy::PackageManager, std::string> kNames{
      {policy::PackageManager::npm, "npm"},
      {policy::PackageManager::pnpm, "pnpm"},
      {policy::PackageManager::yarn, "yarn"},
      {policy::PackageManager::bun, "bun"},
      {policy::PackageManager::deno, "deno"}};
  const std::string& path = facts.command.path;
  const auto name = kNames.find(manager);
  if (name == kNames.end()) return path;
  const std::string file = base::file_name(path);
  if (file.starts_with(name->second) && file != name->second + "x") return path;
  std::string sibling = join_path(base::parent_path(path), name->second);
  if (base::exists(sibling)) return sibling;
  for (const plan::HostPath& directory : facts.path_entries) {
    std::string candidate = join_path(directory.path, name->second);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return path;  // npm-cli.js, say
}

/// The Python that pip runs on: `python -m pip`'s own; what the script's #! names (a virtual
/// environment's); else the one beside it (a shim of pyenv, asdf or mise).
std::string python_of(const plan::CommandFact& command) {
  const auto is_python = [](const std::string& path) {
    const std::string name = base::file_name(path);
    return name.rfind("python", 0) == 0 || name.rfind("pypy", 0) == 0;
  };
  if (is_python(command.path)) return command.path;
  if (is_python(command.interpreter)) return command.interpreter;
  const std::string directory = base::parent_path(command.path);
  const std::string name = base::file_name(command.path);
  const std::string version = name.rfind("pip", 0) == 0 ? name.substr(3) : "";
  for (const std::string& candidate :
       {"python" + version, std::string("python3"), std::string("python")}) {
    if (base::exists(join_path(directory, candidate))) return join_path(directory, candidate);
  }
  throw base::UserError("finding the Python that " + base::printable(command.path) +
                        " runs on; name it: sandbox-run python3 -m pip …");
}

std::optional<std::string> ask_one(const policy::Policy& policy, plan::HostFacts facts,
                                   std::vector<std::string> arguments, const std::string& path) {
  facts.command.arguments = std::move(arguments);
  facts.command.path = path;
  // npm answers in no directory of a workspace's member, and it is the root's configuration that
  // counts there.
  if (base::is_directory(facts.manager_directory)) {
    facts.working_directory = facts.manager_directory;
  } else {
    facts.project = facts.working_directory;  // --prefix of a directory that is still to be made
  }
  plan::Plan plan = plan::make_plan(policy, facts, {}, plan::Purpose::query);
  plan.time_limit = kAnswerTime;
  events::NoEvents sink;
  std::string output;
  SuperviseRequest request;
  request.plan = &plan;
  request.package_manager = policy.package_manager;
  request.sink = &sink;
  request.capture = &output;
  const Outcome outcome = supervise(request);
  if (outcome.kind != Outcome::Kind::exited || outcome.value != 0) return std::nullopt;
  return output;
}

/// A file by what tells whether it is still the same one.
std::string identity(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return path + " none\n";
  return path + " " + std::to_string(status.st_dev) + " " + std::to_string(status.st_ino) + " " +
         std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec) + "\n";
}

/// Everything that the answer depends on.
std::string answer_key(const policy::Policy& policy, const plan::HostFacts& facts) {
  std::string text = std::string(kAnswerVersion) + " " + policy.profile + " " +
                     base::shell_words(own_words(facts.command.arguments)) + "\n" +
                     facts.command.path + "\n" + facts.working_directory + "\n" +
                     facts.manager_directory + "\n" + std::to_string(facts.uid) + "\n";
  for (const std::string& path : facts.command.chain) text += identity(path);
  for (const auto& [path, content] : facts.home_files)
    text.append(path).append("\n").append(content).append("\n");
  for (const plan::ConfigurationFile& file : facts.configuration) {
    text.append(file.real).append("\n").append(file.text.value_or("")).append("\n");
  }
  for (const char* path : {"/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", "/etc/pip.conf",
                           "/etc/xdg/pip/pip.conf"}) {
    text += identity(path);
  }
  // A virtual environment's own: the program lies in its bin.
  text += identity(join_path(base::parent_path(base::parent_path(facts.command.path)), "pip.conf"));
  const std::string node = base::real_path(facts.command.interpreter).value_or("");
  for (const std::string& path :
       {facts.home + "/.pyenv/version", facts.home + "/.tool-versions",
        facts.config_home + "/mise/config.toml", facts.config_home + "/pnpm/auth.ini",
        join_path(base::parent_path(base::parent_path(node)), "etc/npmrc")}) {
    text += identity(path);
  }
  for (std::string here = facts.manager_directory;; here = base::parent_path(here)) {
    for (const char* name :
         {".npmrc", ".yarnrc", ".yarnrc.yml", ".env.yarn", "package.json", "pnpm-workspace.yaml",
          ".pnpmfile.cjs", ".pnpmfile.mjs", ".python-version", ".tool-versions", "pyvenv.cfg",
          "bunfig.toml", ".env", ".env.local", "deno.json", "deno.jsonc"}) {
      text += identity(join_path(here, name));
    }
    if (here == facts.project || here == "/" || here.empty()) break;
  }
  static constexpr std::array kPrefixes{
      "npm_", "NPM_",  "PNPM_", "pnpm_",       "YARN_", "PIP_",      "PYTHON", "PYENV_",
      "BUN_", "DENO_", "JSR_",  "VIRTUAL_ENV", "NVM_",  "COREPACK_", "XDG_",   "PATH"};
  for (const auto& [name, value] : facts.environment) {
    const bool matters = std::any_of(
        kPrefixes.begin(), kPrefixes.end(),
        [&variable = name](const char* prefix) { return variable.starts_with(prefix); });
    if (matters) text.append(name).append("=").append(value).append("\n");
  }
  return base::sha256_hex(text);
}

std::optional<Answers> recall(const std::string& path) {
  const auto text = base::read_file_if_readable(path);
  if (!text) return std::nullopt;
  const auto value = base::parse_json(*text);
  if (!value || !value->is_array()) return std::nullopt;
  Answers answers;
  for (const base::json::value& answer : value->get_array()) {
    if (answer.is_string()) {
      answers.emplace_back(std::string(answer.get_string()));
    } else {
      answers.emplace_back(std::nullopt);
    }
  }
  return answers;
}

void remember(const std::string& path, const Answers& answers) {
  base::json::array array;
  for (const auto& answer : answers) {
    if (answer) {
      array.emplace_back(*answer);
    } else {
      array.emplace_back(nullptr);
    }
  }
  try {
    base::make_directories(base::parent_path(path), 0700);
    base::write_file_atomically(path, base::to_json(array), 0600);
  } catch (const base::SysError&) {
    return;  // only speed is lost: the next run asks again
  }
}

/// Which yarn it is, as far as program and project say: two versions that answer other questions.
std::optional<RegistryQuery::To> known_yarn(const plan::HostFacts& facts) {
  const std::string program = facts.command.chain.empty() ? "" : facts.command.chain.front();
  const std::string settings = join_path(facts.manager_directory, ".yarnrc.yml");
  if (program.find("/cli-dist/") != std::string::npos || base::exists(settings)) {
    return RegistryQuery::To::later_yarn;
  }
  if (program.ends_with("/yarn/bin/yarn.js")) return RegistryQuery::To::yarn_1;
  return std::nullopt;
}

std::optional<std::string> ask(const RegistryQuery& query, const policy::Policy& policy,
                               const plan::HostFacts& facts) {
  std::vector<std::string> arguments;
  std::string path;
  if (query.to == RegistryQuery::To::python) {
    path = python_of(facts.command);
    arguments = {path};
  } else {
    path = answering_program(policy.package_manager, facts);
    arguments = own_words(facts.command.arguments);
    if (path != facts.command.path) arguments.front() = path;
    // To its second name it is another program, wherever that leads.
    if (policy.package_manager == policy::PackageManager::bun) arguments.front() = "bun";
  }
  arguments.insert(arguments.end(), query.arguments.begin(), query.arguments.end());
  return ask_one(policy, facts, arguments, path);
}

Answers ask_all(const policy::Policy& policy, const plan::HostFacts& facts) {
  using To = RegistryQuery::To;
  const std::vector<RegistryQuery> queries = policy::registry_queries(policy.package_manager);
  const std::optional<To> yarn = known_yarn(facts);
  const auto is_for_other_yarn = [&](const RegistryQuery& query) {
    return yarn && *yarn != query.to && (query.to == To::yarn_1 || query.to == To::later_yarn);
  };
  Answers answers(queries.size());
  for (const bool others : {false, true}) {
    for (std::size_t i = 0; i < queries.size(); ++i) {
      if (is_for_other_yarn(queries[i]) == others) answers[i] = ask(queries[i], policy, facts);
    }
    const bool answered = std::any_of(answers.begin(), answers.end(),
                                      [](const auto& answer) { return answer.has_value(); });
    if (answered) break;  // else it was the other one
  }
  return answers;
}

/// npm's own directory, "…/node_modules/npm", from the program that was found on PATH.
std::string npm_directory(const plan::CommandFact& command) {
  constexpr std::string_view kProgram = "/bin/np";  // npm-cli.js, npx-cli.js
  const std::string program = command.chain.empty() ? "" : command.chain.front();
  const std::size_t at = program.rfind(kProgram);
  return at == std::string::npos ? "" : program.substr(0, at);
}

policy::ManagerPlace manager_place(const policy::Policy& policy, const plan::HostFacts& facts) {
  policy::ManagerPlace place;
  place.home = facts.home;
  place.config_home = facts.config_home;
  place.directory = facts.manager_directory;
  place.program = facts.command.chain.empty() ? "" : facts.command.chain.front();
  if (policy.package_manager == policy::PackageManager::npm) {
    place.program = npm_directory(facts.command);
  }
  for (std::string here = facts.working_directory;
       here != place.directory && base::is_beneath(here, place.directory);
       here = base::parent_path(here)) {
    place.above.push_back(here);
  }
  place.node = base::real_path(facts.command.interpreter).value_or("");
  place.environment = policy::filter_environment(policy.environment, facts.environment).entries;
  place.arguments = facts.command.arguments;
  return place;
}

std::optional<std::string> read_text(const std::string& path) {
  constexpr std::size_t kMostOfAProgram = 64U << 20;  // pnpm 11 is one file of 16 MB
  return base::read_file_if_readable(path, kMostOfAProgram);
}

/// As npm itself would; nullopt where that is not certain.
std::optional<policy::PackageManagerFacts> read_configuration(const policy::Policy& policy,
                                                              const plan::HostFacts& facts) {
  if (policy.package_manager != policy::PackageManager::npm) return std::nullopt;
  try {
    return policy::read_npm_config(manager_place(policy, facts), read_text);
  } catch (const base::SysError&) {
    return std::nullopt;  // a directory in a file's place: let npm say what it makes of it
  }
}

/// As pnpm and yarn would answer.
std::optional<Answers> read_answers(const policy::Policy& policy, const plan::HostFacts& facts) {
  try {
    const policy::ManagerPlace place = manager_place(policy, facts);
    if (policy.package_manager == policy::PackageManager::pnpm) {
      return policy::read_pnpm_answers(place, read_text);
    }
    if (policy.package_manager == policy::PackageManager::yarn) {
      return policy::read_yarn_answers(place, read_text);
    }
  } catch (const base::SysError&) {
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

policy::PackageManagerFacts ask_package_manager(const policy::Policy& policy,
                                                const plan::HostFacts& facts) {
  if (auto read = read_configuration(policy, facts)) return *read;
  // Not among the caches: of these the supervisor may have to write all, and by the answers it is
  // decided what the next run may reach and change.
  const std::string remembered = join_path(join_path(state_directory(facts.state_home), "answers"),
                                           answer_key(policy, facts) + ".json");
  std::optional<Answers> answers = recall(remembered);
  const bool is_new = !answers;
  if (is_new) answers = read_answers(policy, facts);
  if (!answers) answers = ask_all(policy, facts);
  policy::PackageManagerFacts parsed = policy::parse_answers(policy.package_manager, *answers);
  if (is_new) remember(remembered, *answers);  // only what could be understood
  return parsed;
}

std::optional<std::pair<std::string, std::string>> ask_for_global_places(
    const policy::Policy& policy, const plan::HostFacts& facts) {
  const std::vector<RegistryQuery> queries =
      policy::global_queries(policy.package_manager, facts.command.arguments);
  const bool is_later_yarn = policy.package_manager == policy::PackageManager::yarn &&
                             known_yarn(facts) == RegistryQuery::To::later_yarn;
  if (queries.empty() || is_later_yarn) return std::nullopt;
  std::string key = answer_key(policy, facts);
  for (const RegistryQuery& query : queries) key += base::shell_words(query.arguments);
  const std::string remembered = join_path(join_path(state_directory(facts.state_home), "answers"),
                                           base::sha256_hex(key) + ".json");
  std::optional<Answers> answers = recall(remembered);
  const bool is_new = !answers;
  if (is_new) {
    answers.emplace();
    for (const RegistryQuery& query : queries) answers->push_back(ask(query, policy, facts));
  }
  const auto& variables = facts.environment;
  const auto home = std::find_if(variables.begin(), variables.end(),
                                 [](const auto& entry) { return entry.first == "PNPM_HOME"; });
  auto places = policy::parse_global_answers(policy.package_manager, *answers,
                                             home == variables.end() ? "" : home->second);
  if (is_new && places) remember(remembered, *answers);
  return places;
}

}  // namespace sandbox_run::cli
