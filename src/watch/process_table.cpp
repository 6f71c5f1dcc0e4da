#include "watch/process_table.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <string_view>

#include "base/text.h"
#include "watch/actor.h"

namespace sandbox_run::watch {
namespace {

using events::Actor;

constexpr int kMaxAncestors = 256;
constexpr std::size_t kMaxKnown = 65536;
constexpr std::size_t kMaxSuspects = 4096;
constexpr std::size_t kMaxImages = 65536;
constexpr std::size_t kMaxProcessFile = 256U << 10;

bool is_package_manager(const Actor& actor) { return actor.kind == Actor::Kind::package_manager; }

}  // namespace

const Actor* ProcessTable::find(const ProcessId& process) const {
  const auto at = known_.find(process.pid);
  return at != known_.end() && at->second.start == process.start ? &at->second.actor : nullptr;
}

void ProcessTable::remember(const ProcessId& process, const Actor& actor) {
  if (known_.size() >= forget_at_) forget_dead();
  // Beyond that (a fork bomb) processes are still found, by their ancestors.
  if (known_.size() >= kMaxKnown && known_.count(process.pid) == 0) return;
  known_[process.pid] = {process.start, actor};
}

void ProcessTable::forget_dead() {
  for (auto at = known_.begin(); at != known_.end();) {
    const auto status = read_process_status(at->first);
    const bool alive = status && status->id.start == at->second.start;
    at = alive ? std::next(at) : known_.erase(at);
  }
  forget_at_ = std::max<std::size_t>(16384, known_.size() * 2);
}

std::vector<ProcessId> ProcessTable::of_others(const Actor& actor) const {
  std::vector<ProcessId> others;
  for (const auto& [pid, known] : known_) {
    if (known.actor == actor) continue;
    const auto status = read_process_status(pid);
    if (status && status->id.start == known.start) others.push_back(status->id);
  }
  return others;
}

bool ProcessTable::has_living(const Actor& actor, int but_for) const {
  return std::any_of(known_.begin(), known_.end(), [&](const auto& entry) {
    const auto& [pid, known] = entry;
    if (pid == but_for || known.actor != actor || ::kill(pid, 0) != 0) return false;
    const auto status = read_process_status(pid);
    return status && status->id.start == known.start && !status->ended;
  });
}

void ProcessTable::set(const ProcessId& process, const Actor& actor,
                       const std::vector<std::string>& arguments) {
  remember(process, actor);
  if (is_package_manager(actor) || actor.kind == Actor::Kind::unknown) return;
  if (suspects_.size() < kMaxSuspects &&
      std::find(suspects_.begin(), suspects_.end(), actor) == suspects_.end()) {
    suspects_.push_back(actor);
  }
  if (images_.size() >= kMaxImages) return;
  const std::size_t hash =
      std::hash<std::string>()(base::join(arguments, std::string_view("\0", 1)));
  const auto [at, is_new] = images_.emplace(hash, actor);
  if (!is_new && at->second && *at->second != actor) at->second.reset();
}

Actor ProcessTable::actor_of(int pid) {
  const auto status = pid > 0 ? read_process_status(pid) : std::nullopt;
  return status ? actor_of(*status) : Actor{};
}

Actor ProcessTable::actor_of(const ProcessStatus& process) {
  if (const auto actor = by_descent(process)) return *actor;
  return actor_of_orphan(process);
}

std::optional<Actor> ProcessTable::by_descent(const ProcessStatus& process) {
  std::vector<ProcessId> passed;
  std::optional<ProcessStatus> next = process;
  while (next && next->id.pid > 1 && next->id.pid != ::getpid()) {
    if (const Actor* actor = find(next->id)) {
      Actor found = *actor;
      for (const ProcessId& descendant : passed) remember(descendant, found);
      return found;
    }
    passed.push_back(next->id);
    if (passed.size() == kMaxAncestors) return Actor{};
    next = read_process_status(next->parent);
  }
  return std::nullopt;
}

Actor ProcessTable::actor_of_orphan(const ProcessStatus& status) const {
  if (suspects_.empty()) {
    Actor actor;  // nobody else has run yet
    actor.kind = Actor::Kind::package_manager;
    return known_.empty() ? Actor{} : actor;
  }
  if (auto actor = by_leaders(status)) return *actor;
  // The image first: to start a child with another package's name in its environment is easy.
  if (auto actor = by_image(status.id.pid)) return *actor;
  if (auto actor = by_environment(status.id.pid)) return *actor;
  return {};
}

std::optional<Actor> ProcessTable::by_leaders(const ProcessStatus& status) const {
  for (const int leader : {status.group, status.session}) {
    const auto at = known_.find(leader);
    if (at == known_.end() || at->second.start > status.id.start) continue;
    // The package manager's own session and group hold everything that did not leave them.
    if (!is_package_manager(at->second.actor)) return at->second.actor;
  }
  return std::nullopt;
}

std::optional<Actor> ProcessTable::by_environment(int pid) const {
  ExecFacts facts;
  const std::string environment = read_process_file(pid, "environ", kMaxProcessFile);
  for (const std::string& entry : base::split(environment, '\0')) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) continue;
    if (is_telling_variable(std::string_view(entry).substr(0, equals))) {
      facts.environment.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
    }
  }
  facts.working_directory = "/";
  const auto said = actor_for(policy::PackageManager::npm, facts, {}, "");
  if (!said) return std::nullopt;
  // What a process says of itself only picks one of those that were seen to start.
  for (const Actor& suspect : suspects_) {
    if (said->package == suspect.package && said->version == suspect.version &&
        said->script_event == suspect.script_event) {
      return suspect;
    }
  }
  return std::nullopt;
}

std::optional<Actor> ProcessTable::by_image(int pid) const {
  std::string arguments = read_process_file(pid, "cmdline", kMaxProcessFile);
  if (!arguments.empty() && arguments.back() == '\0') arguments.pop_back();
  if (arguments.empty()) return std::nullopt;
  const auto at = images_.find(std::hash<std::string>()(arguments));
  return at == images_.end() ? std::nullopt : at->second;
}

}  // namespace sandbox_run::watch
