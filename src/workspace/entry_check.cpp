#include "workspace/entry_check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "policy/editable.h"
#include "policy/lockfile_names.h"
#include "policy/manifest.h"
#include "workspace/global_programs.h"

namespace sandbox_run::workspace {
namespace {

using policy::Judgement;
using policy::TargetKind;
using policy::Verdict;

constexpr const char* kUnexpectedLink = "a link where a file or directory is expected";
constexpr const char* kLeadsOut = "a link that leads out of the project";
constexpr unsigned kMaxHops = 40;  // as the kernel's (path_resolution(7))
constexpr off_t kMaxPathFile = off_t{64} * 1024;
constexpr off_t kMaxManifest = off_t{4} * 1024 * 1024;
constexpr std::string_view kModules = "node_modules";

bool is_absolute(std::string_view text) { return !text.empty() && text.front() == '/'; }

/// What a package manager outside the sandbox opens and overwrites the next time, wherever it
/// leads.
bool is_written_through(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kNames{"package.json", "pnpm-workspace.yaml",
                                                          ".pnp.cjs", ".pnp.loader.mjs"};
  return policy::is_lockfile(name) || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool is_below_modules(const std::vector<std::string>& directory) {
  return std::find(directory.begin(), directory.end(), kModules) != directory.end();
}

/// node_modules/NAME or node_modules/@SCOPE/NAME: what `npm link`, workspaces and file:
/// dependencies make. Package managers replace such a link; they don't write through it.
bool is_package_link(const std::vector<std::string>& directory, std::string_view name) {
  if (name.front() == '.' || name.front() == '@' || directory.empty()) return false;
  if (directory.back() == kModules) return true;
  return directory.back().front() == '@' && directory.size() >= 2 &&
         directory[directory.size() - 2] == kModules;
}

/// node_modules/.bin/NAME: run, not written; may lead into a package that is itself a link.
bool is_command_link(const std::vector<std::string>& directory) {
  return directory.size() >= 2 && directory.back() == ".bin" &&
         directory[directory.size() - 2] == kModules;
}

/// By its words alone.
bool climbs_out(std::size_t depth, const std::string& text) {
  if (is_absolute(text)) return true;
  for (const std::string& part : base::split(text, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      ++depth;
    } else if (depth-- == 0) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> components(const std::string& path) {
  return path.empty() ? std::vector<std::string>{} : base::split(path, '/');
}

std::string join(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path = child_path(path, part);
  return path;
}

/// nullopt: no file, unreadable, or too large to be one that a person keeps.
std::optional<std::string> read_manifest(int dir_fd, const char* name) {
  const base::UniqueFd file(
      ::openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return std::nullopt;
  if (!S_ISREG(status.st_mode) || status.st_size > kMaxManifest) return std::nullopt;
  return base::read_all(file.get(), static_cast<std::size_t>(kMaxManifest),
                        std::string("reading ") + name);
}

char letter(unsigned char type) { return type == DT_LNK ? 'l' : type == DT_REG ? 'f' : 'c'; }

}  // namespace

std::optional<Judgement> EntryCheck::objection(int dir_fd, const char* name,
                                               const std::string& dir_path, char type) const {
  if (kind_ == TargetKind::cache) {
    if (type == 'f') return std::nullopt;
    return Judgement{Verdict::drop, ""};
  }
  if (kind_ == TargetKind::global_programs && known_.global) {
    const std::string text = type == 'l'   ? base::read_link(dir_fd, name)
                             : type == 'f' ? read_manifest(dir_fd, name).value_or("")
                                           : std::string();
    return program_objection(*known_.global, known_, name, type, text);
  }
  if (kind_ == TargetKind::environment) {
    if (auto judgement = environment_.objection(dir_fd, name, dir_path, type)) return judgement;
  }
  if (type != 'l') return std::nullopt;  // devices and their like: see Cleaner
  const std::vector<std::string> directory = components(dir_path);
  if (is_written_through(name) && !is_below_modules(directory)) {
    return Judgement{Verdict::hold, kUnexpectedLink};
  }
  if (name == kModules) return Judgement{Verdict::hold, kUnexpectedLink};
  if (is_package_link(directory, name)) return std::nullopt;
  const std::string text = base::read_link(dir_fd, name);
  const bool is_out =
      is_command_link(directory) ? climbs_out(directory.size(), text) : leads_out(dir_path, text);
  if (!is_out) return std::nullopt;
  return Judgement{Verdict::hold, kLeadsOut};
}

Objects EntryCheck::objects() const {
  return [this](int dir_fd, const char* name, const std::string& dir_path, unsigned char type) {
    return objection(dir_fd, name, dir_path, letter(type)).has_value();
  };
}

/// An environment's python is the system's. With ".." it could lead anywhere.
bool EntryCheck::is_system_link(std::string_view text) const {
  if (kind_ != TargetKind::environment) return false;
  const std::vector<std::string> parts = base::split(text, '/');
  if (parts.size() < 3 || !parts[0].empty()) return false;
  if (std::find(parts.begin(), parts.end(), "..") != parts.end()) return false;
  return parts[1] == "usr" || parts[1] == "bin" || parts[1] == "opt" || parts[1] == "lib" ||
         parts[1] == "lib32" || parts[1] == "lib64" || parts[1] == "libx32";
}

/// A program of the system or a toolchain, where programs are called from; or a place that is a
/// target of the same command. With ".." it could lead anywhere.
bool EntryCheck::is_known_link(const std::string& text, const std::string& dir_path) const {
  const std::vector<std::string> parts = base::split(text, '/');
  if (std::find(parts.begin(), parts.end(), "..") != parts.end()) return false;
  const auto is_in = [&](const std::vector<std::string>& places) {
    return std::any_of(places.begin(), places.end(), [&](const std::string& place) {
      return place != target_path_ && base::is_beneath(text, place);
    });
  };
  if (is_in(known_.projects)) return true;
  if (base::file_name(dir_path) != "bin" || !is_in(known_.programs)) return false;
  struct stat status {};
  return ::stat(text.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         (status.st_mode & 0111U) != 0;
}

/// `ahead`, the next part last, of a link that has just left the target upwards: into another
/// target of the same command. Past the first name that is no ".." another one could lead anywhere.
bool EntryCheck::is_known_climb(const std::vector<std::string>& ahead,
                                const std::string& dir_path) const {
  std::string path = base::parent_path(target_path_);
  bool goes_down = false;
  for (auto part = ahead.rbegin(); part != ahead.rend(); ++part) {
    if (part->empty() || *part == ".") continue;
    if (*part == "..") {
      if (goes_down) return false;
      path = base::parent_path(path);
    } else {
      goes_down = true;
      path = base::join_path(path, *part);
    }
  }
  return is_known_link(path, dir_path);
}

/// The entry as it will be: the layer's, or else the host's.
EntryCheck::Step EntryCheck::look(const std::vector<std::string>& at, std::string& text) const {
  const std::string path = join(at);
  for (const int root : {layer_root_, host_root_}) {
    if (root < 0) continue;
    const base::UniqueFd entry(base::try_open_beneath(root, path, O_PATH | O_NOFOLLOW));
    if (!entry) {
      if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) continue;
      return Step::unknown;
    }
    struct stat status {};
    base::check_sys(::fstat(entry.get(), &status), "looking at " + path);
    if (!S_ISLNK(status.st_mode)) return Step::no_link;
    text = base::read_link(entry.get(), "");
    return Step::link;
  }
  return Step::no_link;
}

/// Followed from link to link, for a link may lead to one that may lead out (a package's).
bool EntryCheck::leads_out(const std::string& dir_path, const std::string& text) const {
  std::vector<std::string> at = components(dir_path);
  std::vector<std::string> ahead;  // the next one last
  std::string link = text;
  for (unsigned hops = 0; hops <= kMaxHops; ++hops) {
    if (is_absolute(link)) {
      const bool turns_back = std::find(ahead.begin(), ahead.end(), "..") != ahead.end();
      return turns_back || (!is_system_link(link) && !is_known_link(link, dir_path));
    }
    const std::vector<std::string> parts = base::split(link, '/');
    ahead.insert(ahead.end(), parts.rbegin(), parts.rend());
    bool is_link = false;
    while (!ahead.empty() && !is_link) {
      const std::string part = std::move(ahead.back());
      ahead.pop_back();
      if (part.empty() || part == ".") continue;
      if (part == "..") {
        if (at.empty()) return !is_known_climb(ahead, dir_path);
        at.pop_back();
        continue;
      }
      at.push_back(part);
      const Step step = look(at, link);
      if (step == Step::unknown) return true;
      is_link = step == Step::link;
      if (is_link) at.pop_back();
    }
    if (!is_link) return false;
  }
  return true;
}

/// setuptools' own for an editable install, whose packages all lie in a project that is a target.
bool EntryCheck::is_editable_finder(int dir_fd, std::string_view text) const {
  const std::optional<std::string> module = policy::editable_finder_of(text);
  if (!module) return false;
  const auto source = read_manifest(dir_fd, (*module + ".py").c_str());
  const auto paths = source ? policy::editable_finder_paths(*source) : std::nullopt;
  return paths && std::all_of(paths->begin(), paths->end(), [&](const std::string& path) {
           const std::vector<std::string> parts = base::split(path, '/');
           if (std::find(parts.begin(), parts.end(), "..") != parts.end()) return false;
           return std::any_of(
               known_.projects.begin(), known_.projects.end(),
               [&](const std::string& project) { return base::is_beneath(path, project); });
         });
}

bool EntryCheck::is_path_into_project(int dir_fd, const std::string& dir_path,
                                      const char* name) const {
  if (!std::string_view(name).ends_with(".pth")) return false;
  const auto text = read_manifest(dir_fd, name);
  const auto paths = text ? policy::path_file_paths(*text) : std::nullopt;
  if (!paths || paths->empty()) return false;
  const std::string directory = base::join_path(target_path_, dir_path);
  return std::all_of(paths->begin(), paths->end(), [&](const std::string& path) {
    const auto real = base::real_path(base::absolute_path(path, directory));
    return real && std::any_of(known_.projects.begin(), known_.projects.end(),
                               [&](const std::string& project) {
                                 return base::is_beneath(*real, project);
                               });
  });
}

Judgement EntryCheck::path_file(int dir_fd, const std::string& dir_path, const char* name,
                                const Judgement& rule) const {
  Judgement held{Verdict::hold, rule.reason};
  const base::UniqueFd file(
      ::openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return held;
  if (!S_ISREG(status.st_mode) || status.st_size > kMaxPathFile) return held;
  const std::string text = base::read_all(file.get(), static_cast<std::size_t>(kMaxPathFile),
                                          std::string("reading ") + name);
  const std::optional<std::vector<std::string>> paths = policy::path_file_paths(text);
  if (!paths) {
    if (is_editable_finder(dir_fd, text)) return {Verdict::commit, rule.reason};
    return held;
  }
  const std::string directory = base::join_path(target_path_, dir_path);
  const bool all_known = std::all_of(paths->begin(), paths->end(), [&](const std::string& path) {
    return base::is_directory(base::absolute_path(path, directory));
  });
  if (!all_known) return held;
  return {Verdict::commit, rule.reason};
}

Judgement EntryCheck::manifest(int layer_dir, int host_dir, const char* name,
                               const Judgement& rule) {
  const std::optional<std::string> after = read_manifest(layer_dir, name);
  struct stat status {};
  const bool was_there = host_dir >= 0 && stat_entry(host_dir, name, status);
  const std::optional<std::string> before =
      was_there ? read_manifest(host_dir, name) : std::optional<std::string>("");
  const auto changed = before && after ? policy::changed_members(*before, *after, rule.keys)
                                       : std::optional<std::vector<std::string>>();
  if (!changed) return {Verdict::protect, rule.reason + " (it can't be compared)"};
  if (changed->empty()) return {Verdict::commit, ""};
  return {Verdict::protect, rule.reason + ": " + base::printable(base::join(*changed, ", "))};
}

}  // namespace sandbox_run::workspace
