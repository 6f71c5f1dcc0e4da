#include "cli/asked_variables.h"

#include <algorithm>

#include "base/format.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "policy/environment.h"

namespace sandbox_run::cli {
namespace {

constexpr std::size_t kMaxNotes = 3;
constexpr std::size_t kLargestFile = 1U << 20;

bool uses(const std::string& text, const std::string& variable) {
  return text.find("${" + variable) != std::string::npos;
}

std::string note(const plan::Plan& plan, const std::string& name, const std::string& asker) {
  std::vector<std::string> command{"sandbox-run", "--allow-env", name};
  command.insert(command.end(), plan.exec.arguments.begin(), plan.exec.arguments.end());
  return base::format("{} uses the variable {}, which was withheld; let every script see it: {}",
                      base::printable(asker), base::printable(name),
                      base::printable(base::shell_words(command)));
}

}  // namespace

std::optional<std::string> asks_for(const plan::HostFacts& facts, const std::string& variable) {
  for (const char* name : {".npmrc", ".yarnrc.yml", ".yarnrc"}) {
    for (const std::string& directory : {facts.project, facts.working_directory}) {
      const auto text = base::read_file_if_readable(base::join_path(directory, name), kLargestFile);
      if (text && uses(*text, variable)) return "the project's " + std::string(name);
    }
  }
  for (const auto& [path, text] : facts.home_files) {
    if (uses(text, variable)) return "your " + base::file_name(path);
  }
  return std::nullopt;
}

std::vector<std::string> withheld_notes(const plan::HostFacts& facts,
                                        const policy::EnvironmentPolicy& policy,
                                        const plan::Plan& plan,
                                        const std::vector<std::string>& packages) {
  std::vector<std::string> notes;
  for (const std::string& name : plan.withheld_environment) {
    if (notes.size() == kMaxNotes) break;
    if (const auto file = asks_for(facts, name)) {
      notes.push_back(note(plan, name, *file));
      continue;
    }
    for (const std::string& reader : policy::readers_of(policy, name)) {
      if (std::find(packages.begin(), packages.end(), reader) == packages.end()) continue;
      notes.push_back(note(plan, name, reader));
      break;
    }
  }
  return notes;
}

}  // namespace sandbox_run::cli
