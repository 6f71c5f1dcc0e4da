// Must:     label what is not certain as unknown or as its starter's, never as a package manager.

#include "watch/actor_labels.h"

#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/path.h"
#include "base/text.h"
#include "watch/actor.h"

namespace sandbox_run::watch {
namespace {

using events::Actor;

bool runs_programs(policy::PackageManager manager) {
  return manager == policy::PackageManager::bun || manager == policy::PackageManager::deno;
}

std::int64_t nanoseconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

bool is_unclear(const Actor& actor) {
  return actor.kind == Actor::Kind::package_manager || actor.kind == Actor::Kind::unknown;
}

/// With `yarn exec` and its like the user names what is run.
bool installs(const std::vector<std::string>& arguments) {
  constexpr std::array<std::string_view, 6> kWords = {"install", "add",    "up",
                                                      "upgrade", "remove", "dedupe"};
  const auto word = std::find_if(arguments.begin(), arguments.end(), [&](const std::string& text) {
    return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
  });
  return word != arguments.end() ||
         std::all_of(arguments.begin(), arguments.end(), [&](auto& text) {
           return &text == &arguments.front() || text.starts_with('-') ||
                  text.find('/') != std::string::npos;  // node /usr/bin/yarn
         });
}

/// In a node_modules, and not pnpm's own.
bool is_program_of_package(const std::string& path) {
  constexpr std::string_view kModules = "/node_modules/";
  const std::size_t modules = path.rfind(kModules);
  if (modules == std::string::npos) return false;
  const std::string_view rest = std::string_view(path).substr(modules + kModules.size());
  return !rest.starts_with("pnpm/") && !rest.starts_with("@pnpm/") && rest != ".bin/pnpm";
}

/// NODE_OPTIONS that load code; most only set a limit.
bool loads_code(const std::string& variable) {
  constexpr std::array<std::string_view, 5> kOptions = {"-r", "--require", "--import", "--loader",
                                                        "--experimental-loader"};
  constexpr std::string_view kName = "NODE_OPTIONS=";
  if (!variable.starts_with(kName)) return false;
  const std::vector<std::string> words = base::split(variable.substr(kName.size()), ' ');
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    const std::string option = word.substr(0, word.find('='));
    return std::find(kOptions.begin(), kOptions.end(), option) != kOptions.end();
  });
}

}  // namespace

ActorLabels::ActorLabels(policy::PackageManager manager, TrustedPrograms programs, OwnCode own,
                         std::string project, int init)
    : manager_(manager),
      managers_(std::move(programs)),
      own_(std::move(own)),
      project_(std::move(project)),
      init_(init) {}

Actor ActorLabels::begin(const Act& act, const OwnExec& exec) {
  begun_ = true;
  if (init_ == 0) init_ = act.process.parent;
  orphans_are_told_ = !children_of(act.process.parent, 1).empty();
  outer_ = act.reading.facts;
  if (project_.empty()) project_ = outer_.working_directory;
  Actor actor;
  const bool is_manager = manager_ != policy::PackageManager::none;
  actor.kind = is_manager ? Actor::Kind::package_manager : Actor::Kind::project_script;
  own_.begin(exec, is_manager);
  return actor;
}

/// As its parent's, or what it says of itself.
Actor ActorLabels::inherit(const Act& act) const {
  if (is_forked_by_shell(act)) return actor_of_deno_script(act.reading.facts);
  const bool nested = is_nested_manager(manager_, act.parent);
  const Actor starter = nested ? starter_of(act.parent) : act.parent;
  const auto actor = actor_for(nested ? policy::PackageManager::none : manager_, act.reading.facts,
                               act.parent, project_);
  const bool from_outside = actor && actor->kind == Actor::Kind::project_script &&
                            (same_lifecycle(act.reading.facts, outer_) || *actor == starter);
  if (actor && !from_outside) return *actor;
  // A script may well have started with what could not be read.
  if (!act.reading.complete && is_unclear(act.parent)) return {};
  if (!nested && act.planted) return {};
  if (!nested && is_another_program(act)) {
    Actor program = act.parent;
    program.kind = Actor::Kind::project_script;
    program.package = base::file_name(act.program.real_path);
    return program;
  }
  const bool stays = !nested || (has_own_loaders(act) &&
                                 managers_.cover(act.program, act.reading.facts, *act.root));
  return stays ? act.parent : starter;
}

bool ActorLabels::is_forked_by_shell(const Act& act) const {
  if (act.parent.kind != Actor::Kind::package_manager) return false;
  return std::any_of(shells_.begin(), shells_.end(), [&](const ProcessId& shell) {
    if (shell.pid != act.process.parent) return false;
    const auto status = read_process_status(shell.pid);
    return !status || status->id == shell;
  });
}

void ActorLabels::note_shell(const Act& act, const Actor& actor) {
  constexpr std::size_t kMaxShells = 1000;
  const bool is_one = actor.kind == Actor::Kind::package_manager &&
                      base::file_name(act.program.real_path) == "deno";
  if (is_one && shells_.size() < kMaxShells) shells_.push_back(act.process.id);
}

/// Of bun and deno: what they run with `x` or for a project is no package manager, though it be the
/// same program (`deno run tool.js`). Of pnpm: a package's program (`pnpm exec`, `pnpm dlx`), but
/// for releases of itself that it has fetched.
bool ActorLabels::is_another_program(const Act& act) const {
  const bool may_be = runs_programs(manager_) || (manager_ == policy::PackageManager::pnpm &&
                                                  is_program_of_package(act.program.real_path));
  return may_be && act.parent.kind == Actor::Kind::package_manager &&
         !managers_.cover(act.program, act.reading.facts, *act.root);
}

/// Those of which it is known that all else is a script's, and says so. pnpm starts releases of its
/// own that it has fetched.
bool ActorLabels::starts_programs_for_itself() const {
  return manager_ == policy::PackageManager::npm ||
         (manager_ == policy::PackageManager::yarn && installs(outer_.arguments));
}

bool ActorLabels::is_planted(const Act& act) const {
  if (!begun_ || act.parent.kind != Actor::Kind::package_manager ||
      is_nested_manager(manager_, act.parent) || !starts_programs_for_itself()) {
    return false;
  }
  const auto& own = act.reading.facts.loader_environment;
  const auto& outer = outer_.loader_environment;
  const bool is_node = base::file_name(act.program.real_path).starts_with("node");
  if (is_node && std::any_of(own.begin(), own.end(), [&](const std::string& variable) {
        return loads_code(variable) &&
               std::find(outer.begin(), outer.end(), variable) == outer.end();
      })) {
    return true;
  }
  if (act.program.result != Look::Result::found) return act.program.result != Look::Result::missing;
  return !act.trusted &&
         own_.runs_what_was_written(act.process.id.pid, act.program, act.reading.facts, *act.root);
}

Actor ActorLabels::label(const Act& act) {
  if (!act.root) return is_unclear(act.parent) ? Actor{} : act.parent;  // out of memory
  const ExecFacts& facts = act.reading.facts;
  const OwnExec exec{act.process.id.pid, act.process,          &facts,
                     &act.program,       &*act.root,           package_directory(facts),
                     act.follows_own,    nanoseconds(act.time)};
  if (!begun_) {
    Actor actor = begin(act, exec);
    note_shell(act, actor);
    return actor;
  }
  Actor actor = inherit(act);
  // The attack: a build leaves a .pth file and asks for one more requirement; pip installs nothing
  // before all builds are over, so that it is the build's.
  if (manager_ == policy::PackageManager::pip && actor.kind == Actor::Kind::package_manager &&
      is_interpreter(base::file_name(act.program.real_path)) && own_.may_have_changed_python()) {
    actor = {};
  }
  const bool is_package = actor.kind == Actor::Kind::script || actor.kind == Actor::Kind::build ||
                          actor.kind == Actor::Kind::unknown || !act.reading.complete;
  const auto others_live = [this] { return packages_live(); };
  const bool is_manager = managers_.is_manager(act.program, facts, *act.root);
  const bool is_helper = is_manager || managers_.cover(act.program, facts, *act.root);
  const bool own = own_.note(exec, is_helper, is_package, others_live);
  if (own && is_manager && actor.kind == Actor::Kind::project_script && has_own_loaders(act) &&
      own_.may_start_manager(exec, others_live)) {
    constexpr std::size_t kMaxNested = 1000;
    if (nested_.size() < kMaxNested) {
      nested_.push_back({facts.working_directory, facts.arguments});
    }
    actor = manager_started_by(actor);
  }
  note_shell(act, actor);
  return actor;
}

/// Does code of packages run besides, or something that has lost its parents?
bool ActorLabels::packages_live() {
  return own_.packages_live() ||
         any_orphan([this](const ProcessStatus& orphan) { return !own_.follows(orphan); });
}

/// With a NODE_OPTIONS or LD_PRELOAD that the command did not have, it is another program.
bool ActorLabels::has_own_loaders(const Act& act) const {
  const auto& own = act.reading.facts.loader_environment;
  const auto& outer = outer_.loader_environment;
  return std::includes(outer.begin(), outer.end(), own.begin(), own.end());
}

bool ActorLabels::keeps_trust(const Act& act, const Actor& actor) const {
  const bool typed = manager_ == policy::PackageManager::none &&
                     actor.kind == Actor::Kind::project_script && actor.script_event.empty();
  const bool is_its_own = typed || actor.kind == Actor::Kind::package_manager;
  return is_its_own && act.reading.complete && act.trusted && has_own_loaders(act);
}

}  // namespace sandbox_run::watch
