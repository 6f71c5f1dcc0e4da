#include "cli/own_places.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/format.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/state.h"
#include "policy/glob.h"

namespace sandbox_run::cli {
namespace {

using base::is_beneath;
using base::join_path;
using base::parent_path;
using base::printable;

constexpr int kMaxLinks = 40;  // as the kernel (path_resolution(7))

/// The first link on the way to `path`, which is absolute; "" if there is none.
std::string first_link(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    std::string here = path.substr(0, slash);
    const auto status = base::stat_no_follow(here);
    if (!status) return "";  // what is not there is no link
    if (S_ISLNK(status->st_mode)) return here;
    if (slash == std::string::npos) return "";
  }
}

/// Each link that is followed on the way to `path`, and where the way ends: whoever may change one
/// of them says what is read.
std::vector<std::string> way_to(std::string path) {
  std::vector<std::string> way;
  for (int links = 0; links < kMaxLinks; ++links) {
    const std::string link = first_link(path);
    if (link.empty()) break;
    way.push_back(link);
    const std::string rest = base::relative_to(path, link);
    const std::string target =
        base::absolute_path(base::read_link(AT_FDCWD, link), parent_path(link));
    path = rest.empty() ? target : join_path(target, rest);
  }
  way.push_back(std::move(path));
  return way;
}

/// The target that holds something of the way to `path`, or lies in `directory`; nullptr.
const workspace::Target* target_at(const std::string& path, const std::string& directory,
                                   const std::vector<workspace::Target>& targets) {
  const std::vector<std::string> way = way_to(path);
  const std::string real = base::real_path(directory).value_or(directory);
  const auto found =
      std::find_if(targets.begin(), targets.end(), [&](const workspace::Target& target) {
        return is_beneath(target.path, real) ||
               std::any_of(way.begin(), way.end(), [&](const std::string& place) {
                 return is_beneath(place, target.path);
               });
      });
  return found == targets.end() ? nullptr : &*found;
}

/// A directory in the home that no target holds.
std::string place_outside(const plan::HostFacts& facts,
                          const std::vector<workspace::Target>& targets) {
  std::string place = join_path(facts.home, ".sandbox-run");
  const bool is_inside = target_at(place, place, targets) != nullptr;
  return is_inside ? join_path(parent_path(facts.project), ".sandbox-run") : place;
}

[[noreturn]] void refuse(const char* what, const std::string& path, const char* variable,
                         const workspace::Target& target, const plan::HostFacts& facts,
                         const std::vector<workspace::Target>& targets) {
  std::vector<std::string> words{
      "env", base::format("{}={}", variable, place_outside(facts, targets)), "sandbox-run"};
  const auto& arguments = facts.command.arguments;
  words.insert(words.end(), arguments.begin(), arguments.end());
  throw base::UserError(base::format(
      "{}, {}, must not lie in what the command may change, {}: change into a directory that does "
      "not hold it, or keep it elsewhere (move it there first, if you have one): {}",
      what, printable(path), printable(target.path), printable(base::shell_words(words))));
}

}  // namespace

void refuse_own_places(const plan::HostFacts& facts,
                       const std::vector<workspace::Target>& targets) {
  const std::string directory = join_path(facts.config_home, "sandbox-run");
  const std::string configuration = join_path(directory, "config.toml");
  if (const auto* target = target_at(configuration, directory, targets)) {
    refuse("the configuration of sandbox-run", configuration, "XDG_CONFIG_HOME", *target, facts,
           targets);
  }
  const std::string state = state_directory(facts.state_home);
  if (const auto* target = target_at(state, state, targets)) {
    refuse("the state directory of sandbox-run", state, "XDG_STATE_HOME", *target, facts, targets);
  }
}

void protect_own_files(const std::string& profile, const plan::HostFacts& facts,
                       const std::vector<workspace::Target>& targets,
                       policy::FilesystemPolicy& files) {
  std::vector<std::string> own = way_to("/proc/self/exe");
  if (profile.find('/') != std::string::npos || profile.ends_with(".toml")) {
    const auto way = way_to(base::absolute_path(profile, facts.working_directory));
    own.insert(own.end(), way.begin(), way.end());
  }
  for (const std::string& path : own) {
    for (const workspace::Target& target : targets) {
      if (target.kind == policy::TargetKind::cache || !is_beneath(path, target.path)) continue;
      const policy::VerdictRule rule{policy::Verdict::protect,
                                     {policy::quoted_glob(base::relative_to(path, target.path))},
                                     "sandbox-run itself goes by it",
                                     {},
                                     {},
                                     {}};
      for (policy::TargetRules& rules : files.targets) {
        if (rules.kind == target.kind) rules.rules.insert(rules.rules.begin(), rule);
      }
    }
  }
}

}  // namespace sandbox_run::cli
