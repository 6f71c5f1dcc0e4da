#include "plan/global_links.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>

#include "base/io.h"
#include "base/path.h"
#include "plan/global_install.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;
using policy::GlobalInstall;
using policy::GlobalLayout;
using policy::PackageManager;

constexpr std::size_t kMaxLinks = 256;

/// "" where the names of packages are not those of its entries.
std::string directory_of_packages(const GlobalInstall& places) {
  if (places.layout == GlobalLayout::projects) return "";
  return places.layout == GlobalLayout::npm ? places.packages
                                            : join_path(places.packages, "node_modules");
}

std::vector<base::DirectoryEntry> entries_of(const std::string& directory) {
  const base::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd ? base::list_directory(fd.get()) : std::vector<base::DirectoryEntry>();
}

/// Links in `modules`, those with a scope too: "lib", "@me/lib".
std::vector<std::string> links_in(const std::string& modules) {
  std::vector<std::string> names;
  for (const base::DirectoryEntry& entry : entries_of(modules)) {
    if (entry.type == DT_LNK) names.push_back(entry.name);
    if (entry.type != DT_DIR || !entry.name.starts_with('@')) continue;
    for (const base::DirectoryEntry& inner : entries_of(join_path(modules, entry.name))) {
      if (inner.type == DT_LNK) names.push_back(join_path(entry.name, inner.name));
    }
  }
  return names;
}

}  // namespace

bool is_linking(const std::string& word) { return word == "link" || word == "ln"; }

std::vector<std::string> linked_words(PackageManager manager,
                                      const std::vector<std::string>& arguments) {
  if (manager != PackageManager::npm && manager != PackageManager::pnpm &&
      manager != PackageManager::bun) {
    return {};
  }
  std::vector<std::string> words = plain_words(arguments);
  if (words.empty() || !is_linking(words.front())) return {};
  words.erase(words.begin());
  return words;
}

std::vector<NamedPackage> named_global_packages(const GlobalInstall& places,
                                                const std::vector<std::string>& words) {
  std::vector<NamedPackage> found;
  const std::string directory = directory_of_packages(places);
  if (directory.empty()) return found;
  for (const std::string& word : words) {
    // With a version, or by its path, npm may install it anew.
    if (policy::global_package_of(word) != word) continue;
    const std::string path = join_path(directory, word);
    if (base::is_directory(path)) found.push_back({word, path});
  }
  return found;
}

std::vector<std::string> words_to_install_first(PackageManager manager, const GlobalInstall& places,
                                                std::vector<std::string> words) {
  if (manager != PackageManager::npm) return {};
  for (const NamedPackage& package : named_global_packages(places, words)) {
    std::erase(words, package.name);
  }
  return words;
}

std::vector<NamedPackage> packages_linked_out(const HostFacts& facts) {
  std::vector<NamedPackage> found;
  const auto is_inside = [&](const std::string& real) {
    const auto holds = [&](const std::string& place) { return is_beneath(real, place); };
    return holds(facts.project) ||
           std::any_of(facts.more_projects.begin(), facts.more_projects.end(), holds) ||
           std::any_of(facts.linked.written.begin(), facts.linked.written.end(), holds) ||
           std::any_of(facts.linked.shown.begin(), facts.linked.shown.end(), holds);
  };
  std::string here = facts.working_directory;
  if (!is_beneath(here, facts.project)) here = facts.project;
  for (;; here = base::parent_path(here)) {
    const std::string modules = join_path(here, "node_modules");
    for (const std::string& name : links_in(modules)) {
      const std::string path = join_path(modules, name);
      const auto real = base::real_path(path);
      if (real && !is_inside(*real) && found.size() < kMaxLinks) found.push_back({name, path});
    }
    if (here == facts.project || here == "/") return found;
  }
}

std::vector<NamedPackage> linked_by_user(std::vector<NamedPackage> packages,
                                         const GlobalInstall& places) {
  const std::string directory = directory_of_packages(places);
  if (directory.empty()) return {};
  std::erase_if(packages, [&](const NamedPackage& package) {
    return base::real_path(join_path(directory, package.name)) != base::real_path(package.path);
  });
  return packages;
}

}  // namespace sandbox_run::plan
