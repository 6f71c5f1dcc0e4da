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

void add(std::vector<VerdictRule>& rules, VerdictRule made) {
  if (!made.paths.empty()) rules.push_back(std::move(made));
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
                                      const std::vector<std::string>& packages,
                                      const std::vector<GlobalProgram>& programs) {
  TargetRules of_packages;
  of_packages.kind = TargetKind::global_packages;
  const auto is_of_command = [&](const std::string& package) {
    return std::find(install.names.begin(), install.names.end(), package) != install.names.end();
  };
  std::vector<std::string> others;
  std::remove_copy_if(packages.begin(), packages.end(), std::back_inserter(others), is_of_command);
  add(of_packages.rules, rule(Verdict::commit, paths_of(install.names)));
  add(of_packages.rules, rule(Verdict::protect, paths_of(others), kOtherPackage));
  of_packages.rules.push_back(install.any_new ? rule(Verdict::commit, {"**"})
                                              : rule(Verdict::hold, {"**"}, kOtherPackage));
  // An archive of a package that is installed already: npm alone puts it in that one's place.
  if (install.any_new) of_packages.asked = AskedRule{{"**"}, {}};

  TargetRules of_programs;
  of_programs.kind = TargetKind::global_programs;
  std::vector<std::string> kept;
  std::vector<std::string> own;
  for (const GlobalProgram& program : programs) {
    if (!is_plain_name(program.name)) continue;
    (is_of_command(program.package) ? own : kept).push_back(program.name);
  }
  add(of_programs.rules, rule(Verdict::protect, kept, kOtherProgram));
  add(of_programs.rules, rule(Verdict::commit, own));
  // New ones: only links that the package itself names (workspace/global_programs.h).
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

bool is_named(const GlobalInstall& install, std::string_view package) {
  return install.any_new ||
         std::find(install.names.begin(), install.names.end(), package) != install.names.end();
}

}  // namespace sandbox_run::policy
