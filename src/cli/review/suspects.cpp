#include "cli/review/suspects.h"

#include <algorithm>
#include <ctime>

#include "base/format.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "events/words.h"
#include "watch/behaviour.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;

constexpr std::size_t kMaxScripts = 10'000;
constexpr std::size_t kMaxCommandBytes = 64U << 10;  // of one script
constexpr std::size_t kMaxWritten = 1000;            // paths, of one script
constexpr std::size_t kShortestName = 4;             // "a" is named by every command
constexpr std::int64_t kSecond = 1'000'000'000;
/// The clock of file times is coarse: it may lag behind by a tick of the slowest kernel (100 Hz).
constexpr std::int64_t kCoarseTick = kSecond / 100;

/// RFC 3339, UTC, with a fraction → ns since 1970; kNoTime if it is none.
std::int64_t parse_time_stamp(const std::string& text) {
  tm utc{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
  if (rest == nullptr) return Suspects::kNoTime;
  std::int64_t nanoseconds = 0;
  if (*rest == '.') {
    std::int64_t unit = kSecond / 10;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10)
      nanoseconds += (*rest - '0') * unit;
  }
  return static_cast<std::int64_t>(::timegm(&utc)) * kSecond + nanoseconds;
}

void append_arguments(const json::object& event, std::string& commands) {
  const json::object* process = events::object_member(event, "process");
  if (process == nullptr) return;
  for (const std::string& word : base::string_list(*process, "argv")) {
    if (commands.size() > kMaxCommandBytes) return;
    commands.append(word).append("\n");
  }
}

std::string directory_in(const json::object& event) {
  const json::object* details = events::object_member(event, "details");
  return details == nullptr ? "" : events::text_member(*details, "directory");
}

void note_path(const std::string& path, std::set<std::string>& paths) {
  if (!path.empty() && paths.size() < kMaxWritten) paths.insert(path);
}

/// There, or beneath it: a new directory is one change with all that it holds.
bool has_written(const std::set<std::string>& written, const std::string& path) {
  const auto next = written.lower_bound(path);
  if (next != written.end() && *next == path) return true;
  const auto beneath = written.lower_bound(path + "/");
  return beneath != written.end() && beneath->starts_with(path + "/");
}

/// A directory that it is in was put there as a whole (rename(2)).
bool has_placed(const std::set<std::string>& written, std::string path, std::size_t root) {
  for (auto slash = path.rfind('/'); slash != std::string::npos && slash > root;
       slash = path.rfind('/')) {
    path.resize(slash);
    if (written.contains(path)) return true;
  }
  return false;
}

}  // namespace

Suspects::Suspects(std::istream& log) {
  for (LogLine line; read_log_line(log, line);) {
    if (line.text.find("\"limit.reached\"") != std::string::npos) note_gap(line);
    const bool tells = line.text.find("\"process.exec\"") != std::string::npos ||
                       line.text.find("\"run.started\"") != std::string::npos ||
                       line.text.find("\"script.started\"") != std::string::npos ||
                       line.text.find("\"file.written\"") != std::string::npos ||
                       line.text.find("\"script.finished\"") != std::string::npos;
    if (tells) add(line);
  }
  for (Script& script : scripts_) {
    if (script.spans.empty()) script.spans.emplace_back();
  }
  std::stable_sort(scripts_.begin(), scripts_.end(), [](const Script& a, const Script& b) {
    return a.spans.front().started > b.spans.front().started;
  });
  index_.clear();
}

/// Of the package manager's and the project's own acts no script's start is missing.
void Suspects::note_gap(const LogLine& line) {
  const auto event = parse_log_event(line);
  const auto actor = event ? events::actor_of(*event) : std::nullopt;
  has_gaps_ = has_gaps_ || !actor || actor->kind == events::Actor::Kind::script ||
              actor->kind == events::Actor::Kind::build ||
              actor->kind == events::Actor::Kind::unknown;
}

void Suspects::add(const LogLine& line) {
  const auto event = parse_log_event(line);
  if (event && directory_.empty() && events::text_member(*event, "type") == "run.started") {
    directory_ = directory_in(*event);
    return;
  }
  const auto actor = event ? events::actor_of(*event) : std::nullopt;
  if (!actor || actor->kind == events::Actor::Kind::package_manager) return;
  const std::string words = events::who_did_it(*event);
  auto known = index_.find(words);
  if (known == index_.end()) {
    if (scripts_.size() == kMaxScripts) return;
    known = index_.emplace(words, scripts_.size()).first;
    scripts_.push_back({.words = words, .actor = *actor, .commands = {}});
  }
  Script& script = scripts_[known->second];
  const json::object* details = events::object_member(*event, "details");
  if (events::text_member(*event, "type") == "file.written") {
    if (details == nullptr) return;
    const std::string path = events::text_member(*details, "path");
    note_path(path, script.touched);
    // Not of an orphan, which may have made itself look like another.
    if (!details->contains("inferred")) note_path(path, script.written);
    return;
  }
  follow(script, *event);
  append_arguments(*event, script.commands);
}

bool Suspects::is_projects(const Script& script) {
  return script.actor.kind == events::Actor::Kind::project_script || script.is_own_build;
}

/// What came after the end of the last one begins the next.
void Suspects::open_span(std::vector<Span>& spans, std::int64_t time) {
  constexpr std::size_t kMaxSpans = 1000;
  if (spans.empty() || (spans.back().ended != kNoTime && spans.size() < kMaxSpans)) {
    spans.push_back({});
  }
  spans.back().started = std::min(spans.back().started, time);
  spans.back().ended = spans.back().last_exit = kNoTime;
}

void Suspects::follow(Script& script, const json::object& event) const {
  const std::int64_t time = parse_time_stamp(events::text_member(event, "time"));
  const std::string type = events::text_member(event, "type");
  if (type != "script.finished") open_span(script.spans, time);
  if (type == "script.started") {
    // A dependency's is unpacked elsewhere, whatever it calls itself.
    const bool is_inside = !directory_.empty() && script.actor.kind == events::Actor::Kind::build &&
                           base::is_beneath(directory_in(event), directory_);
    script.is_own_build = is_inside && (script.is_own_build || script.running_ever == 0);
    const json::object* details = events::object_member(event, "details");
    if (details != nullptr && !details->contains("inferred")) {
      note_path(directory_in(event), script.homes);
    }
    ++script.running_ever;
    ++script.running;
  }
  if (type != "script.finished" || script.spans.empty()) return;
  const json::object* details = events::object_member(event, "details");
  const bool left_running = details == nullptr || details->contains("left_running");
  if (left_running || --script.running > 0) return;
  script.running = 0;
  Span& span = script.spans.back();
  span.ended = time;
  constexpr std::int64_t kMicrosecond = 1000;
  const auto exit = base::number_member(*details, "last_exit_us");
  span.last_exit = exit ? static_cast<std::int64_t>(*exit) * kMicrosecond : time;
}

bool Suspects::may_run_at(const Script& script, std::int64_t at) {
  return std::any_of(script.spans.begin(), script.spans.end(), [&](const Span& span) {
    return span.started <= at + kCoarseTick && span.ended >= at;
  });
}

std::vector<const Suspects::Script*> Suspects::running(std::int64_t changed_at) const {
  std::vector<const Script*> running;
  for (const Script& script : scripts_) {
    if (changed_at == kNoTime || may_run_at(script, changed_at)) running.push_back(&script);
  }
  return running;
}

Suspects::Found Suspects::find(std::string_view target, std::string_view path,
                               std::int64_t changed_at) const {
  const std::string root = base::printable(target);
  const std::string whole = base::printable(path);
  const std::string absolute = root.empty() ? whole : base::join_path(root, whole);
  const std::string name = base::file_name(whole);
  Found seen{{}, Evidence::seen};
  Found placed{{}, Evidence::seen};
  Found named{{}, Evidence::command};
  Found found{running(changed_at), Evidence::times};
  for (const Script* script : found.scripts) {
    if (has_written(script->written, absolute)) seen.scripts.push_back(script);
    if (has_placed(script->written, absolute, root.size())) placed.scripts.push_back(script);
    const bool names =
        script->commands.find(whole) != std::string::npos ||
        (name.size() >= kShortestName && script->commands.find(name) != std::string::npos);
    if (names && whole.size() >= kShortestName) named.scripts.push_back(script);
  }
  for (Found* better : {&seen, &placed, &named}) {
    if (!better->scripts.empty()) return std::move(*better);
  }
  return found;
}

std::optional<Suspects::Only> Suspects::only(std::string_view target, std::string_view path,
                                             std::int64_t changed_at) const {
  const Found found = find(target, path, changed_at);
  if (found.scripts.size() > 1) return std::nullopt;
  if (!found.scripts.empty()) {
    return Only{found.scripts.front()->actor, found.evidence == Evidence::seen};
  }
  Only manager;
  manager.actor.kind = events::Actor::Kind::package_manager;
  return manager;
}

policy::Author Suspects::author_at(std::int64_t changed_at) const {
  using policy::Author;
  if (changed_at == kNoTime || has_gaps_ || scripts_.size() == kMaxScripts) return Author::package;
  bool any_running = false;
  bool any_lifecycle_running = false;
  bool any_of_package = false;
  for (const Script& script : scripts_) {
    const bool is_own = is_projects(script);
    if (!is_own) any_of_package = true;
    const bool was_running = may_run_at(script, changed_at);
    if (was_running && !is_own) return Author::package;
    // What the user typed is no script; under a package manager's profile it does what none does.
    const bool is_lifecycle = is_own && !script.actor.script_event.empty();
    any_lifecycle_running = any_lifecycle_running || (was_running && is_lifecycle);
    any_running = any_running || was_running;
  }
  if (any_lifecycle_running) return Author::own_script;
  if (any_running) return Author::project;
  return any_of_package ? Author::manager : Author::project;
}

/// Of one package so many places are recorded (watch/write_watch.h), and no more.
bool Suspects::may_be_unseen(const Script& script) const {
  std::size_t places = 0;
  for (const Script& other : scripts_) {
    if (other.actor.package == script.actor.package) places += other.touched.size();
  }
  return places >= watch::BehaviourRecorder::kMaxActs;
}

bool Suspects::no_package_ran() const {
  return !has_gaps_ && scripts_.size() < kMaxScripts &&
         std::all_of(scripts_.begin(), scripts_.end(), is_projects);
}

bool Suspects::no_package_wrote(std::string_view path, std::int64_t changed_at) const {
  const std::string shown = base::printable(path);
  return none_may_have_written(Whose::packages, shown, changed_at, [&](const Script& script) {
    return script.touched.contains(shown);
  });
}

bool Suspects::no_package_wrote_beside(std::string_view path, std::int64_t changed_at) const {
  return none_may_have_written(Whose::packages, base::printable(path), changed_at,
                               [this](const Script& script) { return was_seen_outside(script); });
}

bool Suspects::none_wrote_beside(std::string_view path, std::int64_t changed_at) const {
  // What the project's own scripts write is not recorded.
  return none_may_have_written(
      Whose::all, base::printable(path), changed_at,
      [this](const Script& script) { return is_projects(script) || was_seen_outside(script); });
}

bool Suspects::none_may_have_written(
    Whose whose, const std::string& path, std::int64_t changed_at,
    const std::function<bool(const Script& script)>& was_seen) const {
  if (changed_at == kNoTime || has_gaps_ || scripts_.size() == kMaxScripts) return false;
  return std::none_of(scripts_.begin(), scripts_.end(), [&](const Script& script) {
    const bool is_own = whose == Whose::packages && is_own_at(script, path);
    const Then then = is_own ? Then::no : was_running(script, changed_at);
    if (then == Then::no || is_at_home(script, path)) return false;
    return then == Then::running || may_be_unseen(script) || was_seen(script);
  });
}

Suspects::Then Suspects::was_running(const Script& script, std::int64_t changed_at) {
  Then then = Then::no;
  for (const Span& span : script.spans) {
    if (changed_at > span.ended || span.started > changed_at + kCoarseTick) continue;
    // Between the two it may be over; but an exit that was seen may be another process's, and what
    // ends by a signal, or without its threads, is not seen.
    const bool at_its_edge =
        changed_at < span.started ||
        (span.last_exit != kNoTime && changed_at + kCoarseTick > span.last_exit);
    if (!at_its_edge) return Then::running;
    then = Then::edge;
  }
  return then;
}

/// The build of a directory in the project is the project's own there, and nowhere else.
///
/// The attack: `pip install -e ../lib ./vendored`, whose build puts a module into ../lib/build.
bool Suspects::is_own_at(const Script& script, const std::string& path) const {
  return is_projects(script) && (!script.is_own_build || base::is_beneath(path, directory_));
}

/// Where the manager started it, which is its own: but not what holds the project. One name may be
/// two packages': outside node_modules it is at home only where it was always started.
///
/// The attack: a bundled package that calls itself as another project does, with a script of the
/// same event.
bool Suspects::is_at_home(const Script& script, const std::string& path) const {
  const auto holds = [&](const std::string& home) { return base::is_beneath(path, home); };
  const bool is_only_home = std::all_of(script.homes.begin(), script.homes.end(), holds);
  return std::any_of(script.homes.begin(), script.homes.end(), [&](const std::string& home) {
    const bool is_installed = home.find("/node_modules/") != std::string::npos;
    return holds(home) && !base::is_beneath(directory_, home) && (is_installed || is_only_home);
  });
}

bool Suspects::was_made_at_home(std::string_view path, std::int64_t at) const {
  if (has_gaps_ || scripts_.size() == kMaxScripts) return false;
  const std::string shown = base::printable(path);
  bool is_any = false;
  for (const Script& script : scripts_) {
    const bool was_there = at == kNoTime || was_running(script, at) != Then::no;
    if (!was_there) continue;
    const bool is_one = std::all_of(script.homes.begin(), script.homes.end(),
                                    [&](auto& home) { return base::is_beneath(shown, home); });
    if (!is_one || !is_at_home(script, shown)) return false;
    is_any = true;
  }
  return is_any;
}

/// Of many files in one place the first alone is told, so that any there counts.
bool Suspects::was_seen_outside(const Script& script) const {
  return std::any_of(script.touched.begin(), script.touched.end(), [&](const std::string& path) {
    return directory_.empty() || !base::is_beneath(path, directory_);
  });
}

bool Suspects::are_alone(const std::vector<std::string>& packages, std::int64_t at) const {
  if (at == kNoTime || has_gaps_ || scripts_.size() == kMaxScripts) return false;
  bool any_running = false;
  for (const Script& script : scripts_) {
    if (!may_run_at(script, at)) continue;
    const bool is_project = script.actor.kind == events::Actor::Kind::project_script;
    const auto& name = script.actor.package;
    const bool is_one = std::find(packages.begin(), packages.end(), name) != packages.end();
    if (is_project || !is_one) return false;
    any_running = true;
  }
  return any_running;
}

}  // namespace sandbox_run::cli
