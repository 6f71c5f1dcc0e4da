#include "plan/linked_places.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "plan/new_places.h"
#include "plan/small_files.h"
#include "policy/manifest.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using base::join_path;
using base::parent_path;
using policy::PackageManager;

constexpr std::size_t kMaxLinkedPlaces = 256;

bool has_suffix(const std::string& path, std::initializer_list<const char*> suffixes) {
  return std::any_of(suffixes.begin(), suffixes.end(),
                     [&](const char* suffix) { return path.ends_with(suffix); });
}

/// The path in a dependency's specification; "" if it is none of this machine.
std::string path_in(std::string_view spec, bool bare_paths) {
  for (const std::string_view scheme : {"file:", "link:", "portal:"}) {
    if (!spec.starts_with(scheme)) continue;
    spec.remove_prefix(scheme.size());
    if (spec.starts_with("///")) spec.remove_prefix(2);
    return std::string(spec.substr(0, spec.find_first_of("#?")));
  }
  const bool is_path =
      spec.starts_with("../") || spec.starts_with("./") || spec.starts_with('/') || spec == "..";
  return bare_paths && is_path ? std::string(spec) : "";
}

std::string name_in(const std::string& manifest) {
  const auto parsed = base::parse_json(manifest);
  const base::json::value* own = parsed ? base::find_member(*parsed, "name") : nullptr;
  return own != nullptr && own->is_string() ? std::string(own->get_string()) : "";
}

std::string name_of_package(const std::string& directory) {
  return name_in(read_text(join_path(directory, "package.json")).value_or(""));
}

/// The path of a dependency that is a repository on this machine. Not shown because a manifest says
/// so: there is more in it than a package, and a stranger's can name anything.
std::string repository_in(std::string_view spec) {
  constexpr std::string_view kScheme = "git+file://";
  if (!spec.starts_with(kScheme)) return "";
  spec.remove_prefix(kScheme.size());
  return std::string(spec.substr(0, spec.find('#')));
}

class DependencyFinder {
 public:
  DependencyFinder(PackageManager manager, const std::string& home, WorkPlaces& places,
                   const std::optional<policy::HardLinks>& hard_links, LinkedPlaces found = {})
      : manager_(manager),
        home_(home),
        places_(places),
        hard_links_(hard_links),
        found_(std::move(found)) {}

  enum class NamedBy { user, manifest };

  LinkedPlaces take() { return std::move(found_); }

  /// `directory` has a package.json, and is in the project.
  void read_manifest(const std::string& directory) { read_manifest(directory, modules(directory)); }

  /// `modules`: where its dependencies may be put.
  void read_manifest(const std::string& directory, const std::vector<std::string>& modules) {
    if (!read_.insert(directory).second || read_.size() > kMaxLinkedPlaces) return;
    const auto text = read_text(join_path(directory, "package.json"));
    const auto manifest = text ? base::parse_json(*text) : std::nullopt;
    if (!manifest || !manifest->is_object()) return;
    for (const char* key : {"dependencies", "devDependencies", "optionalDependencies"}) {
      const base::json::value* list = base::find_member(*manifest, key);
      if (list == nullptr || !list->is_object()) continue;
      for (const auto& [name, spec] : list->get_object()) {
        if (!spec.is_string()) continue;
        const std::string text_of_spec = spec.get_string().c_str();
        const std::string path = path_in(text_of_spec, true);
        const std::string repository = repository_in(text_of_spec);
        if (!repository.empty() && base::is_directory(repository) && !is_inside(repository)) {
          found_.wanted.push_back({repository});
        }
        if (!path.empty()) {
          add(base::absolute_path(path, directory), text_of_spec,
              {name, modules, NamedBy::manifest});
        }
      }
    }
  }

  void add_named(const NamedPackage& package) {
    const auto real = base::real_path(package.path);
    if (!real || is_inside(*real)) return;
    // Installed there, and so the user's choice, in whichever directory of his home it is.
    const auto parent = base::real_path(parent_path(package.path));
    if (parent && *real == join_path(*parent, base::file_name(package.path))) {
      add_once(found_.shown, *real);
      return;
    }
    if (name_of_package(*real) != package.name) return;
    add(package.path, "link:", {package.name, modules(places_.project), NamedBy::user});
  }

  void read_words(const std::vector<std::string>& words, const std::string& directory,
                  NamedBy named_by) {
    for (const std::string& word : words) {
      std::string path = path_in(word, true);
      if (path.empty()) path = path_in(after_name(word), false);
      if (path.empty()) continue;
      add(base::absolute_path(path, directory), word, {"", modules(directory), named_by});
    }
  }

  /// `-e ../lib`, `../x.whl`, `name @ file:///…`, one a line.
  void read_requirements(const std::string& file, const std::string& directory) {
    if (!read_.insert(file).second || read_.size() > kMaxLinkedPlaces) return;
    for (const std::string& line : base::split(read_text(file).value_or(""), '\n')) {
      std::vector<std::string> words;
      for (const std::string& word : base::split(line.substr(0, line.find(" #")), ' ')) {
        words.emplace_back(base::trim(word));
      }
      read_words(words, directory, NamedBy::manifest);
      if (words.size() > 1 && (words[0] == "-r" || words[0] == "-c")) {
        read_requirements(base::absolute_path(words[1], parent_path(file)), directory);
      }
    }
  }

 private:
  /// A dependency's name, "" for that of its own manifest, where it may be put, and who says so.
  struct Placing {
    std::string name;
    std::vector<std::string> modules;
    NamedBy named_by;
  };

  /// node_modules of this directory, and of all above it in the project.
  std::vector<std::string> modules(std::string directory) const {
    std::vector<std::string> found;
    for (; is_beneath(directory, places_.project); directory = parent_path(directory)) {
      found.push_back(join_path(directory, "node_modules"));
      if (directory == places_.project) break;
    }
    return found;
  }

  /// pnpm puts what a dependency needs beside its copy, bun at the root.
  std::vector<std::string> modules_beside(const std::vector<std::string>& copies) const {
    std::vector<std::string> found = modules(places_.project);
    for (const std::string& copy : copies) {
      const bool has_scope = base::file_name(parent_path(copy)).starts_with('@');
      found.push_back(copy + (has_scope ? "/../.." : "/.."));
    }
    return found;
  }

  static std::vector<std::string> copies_at(const Placing& placing, const std::string& manifest) {
    const std::string name = placing.name.empty() ? name_in(manifest) : placing.name;
    std::vector<std::string> copies;
    if (name.empty()) return copies;
    for (const std::string& directory : placing.modules) {
      copies.push_back(join_path(directory, name));
    }
    return copies;
  }

  void add_programs(const std::string& real, const std::string& manifest,
                    const std::vector<std::string>& copies) {
    if (!hard_links_ || policy::has_script(manifest, hard_links_->unless_scripts)) return;
    const auto& files = hard_links_->unless_files;
    const bool is_copied = std::any_of(files.begin(), files.end(), [&](const std::string& name) {
      return base::real_path(join_path(real, name)).has_value();
    });
    if (is_copied) return;
    for (const std::string& path : policy::named_programs(manifest)) {
      if (found_.programs.size() >= kMaxLinkedPlaces) return;
      policy::LinkedProgram program{real, path, {}};
      for (const std::string& copy : copies) program.copies.push_back(join_path(copy, path));
      found_.programs.push_back(std::move(program));
    }
  }

  /// "file:../x" of "name@file:../x".
  static std::string_view after_name(std::string_view word) {
    const std::size_t at = word.find('@', 1);
    return at == std::string_view::npos ? std::string_view() : word.substr(at + 1);
  }

  bool is_inside(const std::string& path) const {
    return is_beneath(path, places_.project) ||
           std::any_of(places_.more.begin(), places_.more.end(),
                       [&](const std::string& other) { return is_beneath(path, other); });
  }

  bool is_package(const std::string& real) const {
    if (manager_ == PackageManager::pip) {
      return is_file(join_path(real, "pyproject.toml")) || is_file(join_path(real, "setup.py"));
    }
    return is_file(join_path(real, "package.json"));
  }

  bool is_archive(const std::string& real) const {
    if (!is_file(real)) return false;
    if (manager_ == PackageManager::pip) {
      return has_suffix(real, {".whl", ".tar.gz", ".tar.bz2", ".zip", ".txt"});
    }
    return has_suffix(real, {".tgz", ".tar.gz", ".tar"});
  }

  /// npm links it, installs its dependencies in it and makes its programs executable; so does yarn
  /// for portal:. Who copies it only reads; but programs are made executable by all.
  bool is_written(const std::string& real, const std::string& spec) const {
    if (manager_ == PackageManager::npm || manager_ == PackageManager::pip) return true;
    if (spec.find("portal:") != std::string::npos) return true;
    const auto text = read_text(join_path(real, "package.json"));
    const auto manifest = text ? base::parse_json(*text) : std::nullopt;
    return manifest && manifest->is_object() && manifest->get_object().contains("bin");
  }

  void add(const std::string& path, const std::string& spec, const Placing& placing) {
    const auto real = base::real_path(path);
    if (!real || is_inside(*real)) return;
    const bool directory = base::is_directory(*real);
    if (directory ? !is_package(*real) : !is_archive(*real)) return;
    if (is_hidden_at_home(*real, home_) || is_beneath(home_, *real)) {
      found_.refused.push_back(path);
      return;
    }
    if (path != *real) found_.links.emplace_back(path, *real);
    if (!directory) {
      add_once(found_.shown, *real);
      return;
    }
    const bool is_typed = placing.named_by == NamedBy::user;
    // The attack: a stranger's project says "file:.." where the user's other projects lie.
    if (is_typed && is_beneath(places_.project, *real)) {
      places_.project = *real;
    } else {
      add_once(found_.neighbours, *real);
      add_once(is_written(*real, spec) ? found_.written : found_.shown, *real);
    }
    if (manager_ == PackageManager::pip || read_.contains(*real)) return;
    const std::string manifest = read_text(join_path(*real, "package.json")).value_or("");
    const std::vector<std::string> copies = copies_at(placing, manifest);
    add_programs(*real, manifest, copies);
    read_manifest(*real, modules_beside(copies));
  }

  static void add_once(std::vector<std::string>& list, const std::string& path) {
    if (list.size() < kMaxLinkedPlaces && std::find(list.begin(), list.end(), path) == list.end()) {
      list.push_back(path);
    }
  }

  PackageManager manager_;
  const std::string& home_;
  WorkPlaces& places_;
  const std::optional<policy::HardLinks>& hard_links_;
  LinkedPlaces found_;
  std::set<std::string> read_;
};

/// Not what the sandbox makes itself, and nothing that would show the home.
bool is_shown_if_typed(const std::string& real, const std::string& home, const WorkPlaces& places) {
  if (is_beneath(home, real)) return false;
  for (const char* tree : {"/proc", "/sys", "/dev", "/run", "/etc", "/boot"}) {
    if (is_beneath(real, tree)) return false;
  }
  for (const char* place : {"/tmp", "/var", "/var/tmp"}) {
    if (real == place) return false;
  }
  const auto holds = [&](const std::string& place) { return is_beneath(real, place); };
  if (holds(places.project) || std::any_of(places.more.begin(), places.more.end(), holds)) {
    return false;
  }
  return base::is_directory(real) || is_file(real);
}

}  // namespace

bool is_hidden_at_home(const std::string& real, const std::string& home) {
  return is_beneath(real, home) && base::relative_to(real, home).starts_with('.');
}

LinkedPlaces find_dependencies(PackageManager manager, const std::vector<std::string>& arguments,
                               const std::string& working_directory, const std::string& home,
                               WorkPlaces& places,
                               const std::optional<policy::HardLinks>& hard_links) {
  const bool is_none = manager == PackageManager::none;
  DependencyFinder finder(is_none ? PackageManager::npm : manager, home, places, hard_links);
  const std::vector<std::string> words(arguments.begin() + 1, arguments.end());
  if (manager == PackageManager::pip) {
    finder.read_words(words, working_directory, DependencyFinder::NamedBy::user);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i] != "-r" && words[i] != "-c" && words[i] != "--requirement") continue;
      finder.read_requirements(base::absolute_path(words[i + 1], working_directory),
                               working_directory);
    }
    return finder.take();
  }
  const std::string& root = is_none ? places.project : places.manager;
  finder.read_manifest(root);
  for (const std::string& member : workspace_members(root)) finder.read_manifest(member);
  if (is_beneath(working_directory, places.project)) finder.read_manifest(working_directory);
  if (is_none) {  // of what a Makefile does nothing says that it is meant for another project
    LinkedPlaces found = finder.take();
    std::move(found.written.begin(), found.written.end(), std::back_inserter(found.shown));
    found.written.clear();
    found.refused.clear();  // nor that it is needed
    return found;
  }
  // `npm exec -- ../tool.js`, `node ../x`: another program's words are not packages.
  static constexpr std::array kAdding{"install", "i", "add", "link", "ln", "update", "up"};
  if (words.size() > 1 && std::find_first_of(words.begin(), words.end(), kAdding.begin(),
                                             kAdding.end()) != words.end()) {
    finder.read_words(words, working_directory, DependencyFinder::NamedBy::user);
  }
  return finder.take();
}

void add_named_packages(PackageManager manager, const std::vector<NamedPackage>& packages,
                        const std::string& home, WorkPlaces& places, LinkedPlaces& linked) {
  static const std::optional<policy::HardLinks> kNone;
  DependencyFinder finder(manager, home, places, kNone, std::move(linked));
  for (const NamedPackage& package : packages) finder.add_named(package);
  linked = finder.take();
}

void show_named_packages(const std::vector<NamedPackage>& packages, const std::string& home,
                         LinkedPlaces& linked) {
  for (const NamedPackage& package : packages) {
    const auto real = base::real_path(package.path);
    if (!real || is_hidden_at_home(*real, home) || is_beneath(home, *real)) continue;
    if (name_of_package(*real) != package.name) continue;
    linked.shown.push_back(*real);
    linked.neighbours.push_back(*real);
  }
}

std::vector<std::string> find_typed_paths(const std::vector<std::string>& arguments,
                                          const std::string& working_directory,
                                          const std::string& home, const WorkPlaces& places,
                                          std::vector<std::string>& hidden) {
  std::vector<std::string> found;
  for (std::size_t i = 1; i < arguments.size() && found.size() < kMaxLinkedPlaces; ++i) {
    std::string_view word = arguments[i];
    if (word.starts_with('-')) word.remove_prefix(std::min(word.find('=') + 1, word.size()));
    const std::string repository = repository_in(word);
    if (!repository.empty()) word = repository;
    if (word.starts_with("file://")) word.remove_prefix(std::string_view("file://").size());
    if (word.starts_with('-') || (word != ".." && word.find('/') == std::string_view::npos))
      continue;
    const std::string path = base::absolute_path(word, working_directory);
    const auto real = base::real_path(path);
    if (!real || !is_shown_if_typed(*real, home, places)) continue;
    const auto holds = [&](const std::string& place) { return is_beneath(path, place); };
    // The attack: a stranger's project has a link `src` to somebody's documents, and its README
    // says what to type. Where such a path leads, the project has chosen, not who typed it.
    const bool is_projects_link =
        holds(places.project) || std::any_of(places.more.begin(), places.more.end(), holds);
    if (real->starts_with(kKeptTemporary)) {
      // `yarn patch-commit -s DIR` reads beside it what `yarn patch` has written there.
      found.push_back(real->substr(0, real->find('/', kKeptTemporary.size())));
      continue;
    }
    (is_hidden_at_home(*real, home) || is_projects_link ? hidden : found).push_back(*real);
  }
  return found;
}

}  // namespace sandbox_run::plan
