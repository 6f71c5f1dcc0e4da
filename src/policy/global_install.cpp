#include "policy/global_install.h"

#include <algorithm>

#include "base/path.h"
#include "base/text.h"

namespace sandbox_run::policy {
namespace {

constexpr const char* kOtherPackage = "a global package that the command does not name";
constexpr const char* kOtherProgram =
    "a program that is there, of no package that the command names";

/// As npm names packages, and without a character that a glob would read.
bool is_plain_name(std::string_view name) {
  if (name.starts_with('@')) {
    const std::size_t slash = name.find('/');
    if (slash == std::string_view::npos || slash == 1 || slash + 1 == name.size()) return false;
    name.remove_prefix(1);
    return is_plain_name(name.substr(0, slash - 1)) && is_plain_name(name.substr(slash));
  }
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-";
  return !name.empty() && name != "." && name != ".." && !name.starts_with('.') &&
         name.find_first_not_of(kLetters) == std::string_view::npos;
}

bool is_directory_word(std::string_view word) {
  return word == "." || word == ".." || word.starts_with("./") || word.starts_with("../") ||
         word.starts_with('/');
}

bool is_archive(std::string_view word) {
  return word.ends_with(".tgz") || word.ends_with(".tar.gz") || word.ends_with(".tar");
}

/// "name" of "name@1.0.0", "name@npm:other@1", "name@file:../x"; "" of "user/repository", a URL.
std::string name_in(std::string_view word) {
  const std::size_t at = word.find('@', 1);
  const std::string_view name = word.substr(0, at);
  return is_plain_name(name) ? std::string(name) : "";
}

VerdictRule rule(Verdict verdict, std::vector<std::string> paths, const char* reason = "") {
  VerdictRule made;
  made.verdict = verdict;
  made.paths = std::move(paths);
  made.reason = reason;
  return made;
}

std::vector<std::string> paths_of(const std::vector<std::string>& packages) {
  std::vector<std::string> paths;
  for (const std::string& package : packages) {
    if (!is_plain_name(package)) continue;
    paths.push_back(package);
    paths.push_back(package + "/**");
    if (package.starts_with('@')) paths.push_back(package.substr(0, package.find('/')));
  }
  return paths;
}

/// As a glob that means the path alone.
std::string quoted_program(std::string_view path) {
  std::string glob;
  for (const char letter : path) {
    if (std::string_view("*?[]!\\").find(letter) != std::string_view::npos) glob += '\\';
    glob += letter;
  }
  return glob;
}

void add(std::vector<VerdictRule>& rules, VerdictRule made) {
  if (!made.paths.empty()) rules.push_back(std::move(made));
}

/// What a package manager writes beside what is there.
std::vector<std::string> written_in(GlobalLayout layout) {
  if (layout == GlobalLayout::projects) return {"[0-9a-f]*/**"};
  return {"yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "node_modules/**", ".pnpm/**"};
}

/// A project that is there, of the user's other global packages: of theirs nothing but the manager
/// changes anything.
///
/// The attack: a script changes a global package of another name, or what that one depends on; or
/// adds to the project's package.json a script that the next global install runs.
void add_rules_for_projects(const GlobalInstall& install, const std::vector<GlobalEntry>& entries,
                            TargetRules& rules) {
  std::vector<std::string> own;
  std::vector<std::string> others;
  for (const GlobalEntry& entry : entries) {
    const bool is_own =
        !entry.packages.empty() &&
        std::all_of(entry.packages.begin(), entry.packages.end(), [&](const std::string& name) {
          return std::find(install.names.begin(), install.names.end(), name) != install.names.end();
        });
    std::vector<std::string>& paths = is_own ? own : others;
    paths.push_back(quoted_program(entry.path) + "/**");
  }
  add(rules.rules, rule(Verdict::commit, own));
  add(rules.rules, rule(Verdict::protect, others, kOtherPackage));
  add(rules.rules, rule(Verdict::commit, written_in(install.layout)));
  std::vector<std::string> asked = written_in(install.layout);
  if (install.layout == GlobalLayout::project) {
    VerdictRule manifest = rule(Verdict::manifest, {"package.json"},
                                "a script of a package ran, and what else but dependencies changed "
                                "runs the next time");
    manifest.keys = {"dependencies"};
    VerdictRule trusting = manifest;  // bun notes there whose scripts may run
    trusting.keys.emplace_back("trustedDependencies");
    trusting.when_argument = {"--trust"};
    rules.rules.push_back(std::move(trusting));
    rules.rules.push_back(std::move(manifest));
    asked.emplace_back("package.json");
  }
  // What --allow-build says.
  rules.rules.push_back(rule(Verdict::own, {"pnpm-workspace.yaml"},
                             "it says which packages may run scripts, and one was running"));
  rules.rules.push_back(rule(Verdict::hold, {"**"}, kOtherPackage));
  // What the manager alone does, as to bring up to date what two of them depend on.
  rules.asked = AskedRule{std::move(asked), {}};
}

void add_rules_for_npm(const GlobalInstall& install, const std::vector<GlobalEntry>& entries,
                       TargetRules& rules) {
  std::vector<std::string> others;
  for (const GlobalEntry& entry : entries) {
    const auto& names = install.names;
    if (std::find(names.begin(), names.end(), entry.path) == names.end()) {
      others.push_back(entry.path);
    }
  }
  add(rules.rules, rule(Verdict::commit, paths_of(install.names)));
  add(rules.rules, rule(Verdict::protect, paths_of(others), kOtherPackage));
  rules.rules.push_back(install.any_new ? rule(Verdict::commit, {"**"})
                                        : rule(Verdict::hold, {"**"}, kOtherPackage));
  // An archive of a package that is installed already: npm alone puts it in that one's place.
  if (install.any_new) rules.asked = AskedRule{{"**"}, {}};
}

}  // namespace

void add_named_packages(const std::vector<std::string>& words, const std::string& own,
                        GlobalInstall& install) {
  for (const std::string& word : words) {
    if (word.starts_with('-')) continue;
    std::string name = is_directory_word(word) && !is_archive(word) ? own
                       : is_archive(word)                           ? ""
                                                                    : name_in(word);
    if (is_plain_name(name)) {
      install.names.push_back(std::move(name));
    } else {
      install.any_new = true;
    }
  }
}

std::vector<TargetRules> global_rules(const GlobalInstall& install,
                                      const std::vector<GlobalEntry>& entries,
                                      const std::vector<GlobalProgram>& programs) {
  TargetRules of_packages;
  of_packages.kind = TargetKind::global_packages;
  if (install.layout == GlobalLayout::npm) {
    add_rules_for_npm(install, entries, of_packages);
  } else {
    add_rules_for_projects(install, entries, of_packages);
  }

  TargetRules of_programs;
  of_programs.kind = TargetKind::global_programs;
  std::vector<std::string> kept;
  std::vector<std::string> own;
  for (const GlobalProgram& program : programs) {
    const auto& names = install.names;
    const bool is_own = std::find(names.begin(), names.end(), program.package) != names.end();
    (is_own ? own : kept).push_back(quoted_program(program.name));
  }
  add(of_programs.rules, rule(Verdict::protect, kept, kOtherProgram));
  add(of_programs.rules, rule(Verdict::commit, own));
  // New ones: only such as the package itself names (workspace/global_programs.h).
  of_programs.rules.push_back(rule(Verdict::commit, {"*"}));
  return {of_packages, of_programs};
}

std::string global_package_of(std::string_view path) {
  std::size_t end = path.find('/');
  if (path.starts_with('@') && end != std::string_view::npos) end = path.find('/', end + 1);
  const std::string_view name = path.substr(0, end);
  return is_plain_name(name) ? std::string(name) : "";
}

std::string package_of_program(const GlobalInstall& install, std::string_view link) {
  const std::string path = base::absolute_path(std::string(link), install.programs);
  if (!base::is_beneath(path, install.packages) || path == install.packages) return "";
  return global_package_of(base::relative_to(path, install.packages));
}

std::optional<PackagePlace> package_in(std::string_view path) {
  constexpr std::string_view kModules = "/node_modules/";
  const std::size_t at = path.rfind(kModules);
  if (at == std::string_view::npos) return std::nullopt;
  const std::size_t begin = at + kModules.size();
  const std::string name = global_package_of(path.substr(begin));
  if (name.empty()) return std::nullopt;
  return PackagePlace{name, std::string(path.substr(0, begin + name.size()))};
}

std::string package_of_store_entry(std::string_view entry) {
  const std::size_t version = entry.find('@', 1);
  if (version == std::string_view::npos) return "";
  std::string name(entry.substr(0, version));
  const std::size_t plus = name.starts_with('@') ? name.find('+') : std::string::npos;
  if (plus != std::string::npos) name[plus] = '/';
  return is_plain_name(name) ? name : "";
}

bool is_named(const GlobalInstall& install, std::string_view package) {
  return install.any_new ||
         std::find(install.names.begin(), install.names.end(), package) != install.names.end();
}

}  // namespace sandbox_run::policy
