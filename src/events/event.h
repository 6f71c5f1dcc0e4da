#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sandbox_run::events {

enum class Severity { info, notice, alert };

/// Who did it. Inherited by every descendant process: once a script, always a script.
struct Actor {
  enum class Kind { package_manager, script, build, project_script, unknown };
  Kind kind = Kind::unknown;
  std::string package;  // script, build: the package or distribution
  std::string version;
  std::string script_event;  // script: "postinstall", …
  /// The package's own word alone: it was not installed under that name (a git dependency that the
  /// package manager prepares elsewhere).
  bool claims_name = false;
  friend bool operator==(const Actor&, const Actor&) = default;
};

/// The process an event is about, as the host sees it.
struct Process {
  int pid = 0;
  std::string exe;                     // path as the sandboxee named it
  std::vector<std::string> arguments;  // bounded: see watch/
  std::string working_directory;
};

/// One thing that happened. Strings may hold any bytes: they are made printable when written.
struct Event {
  std::string type;  // "run.started", "name.lookup", …: man/sandbox-run-events.5
  Severity severity = Severity::info;
  std::optional<Actor> actor = {};
  std::optional<Process> process = {};
  base::json::object details = {};
  /// When the act was noticed; the record says how long after it was written.
  std::chrono::system_clock::time_point time = std::chrono::system_clock::now();
};

/// As written in the log: "info", "notice", "alert"; "package-manager", "script", ….
std::string_view name_of(Severity severity);
std::string_view name_of(Actor::Kind kind);
/// The other way; Kind::unknown for a name that there is not.
Actor::Kind kind_named(std::string_view name);

/// "esbuild@0.25.0 postinstall", "package manager", … for people. Made printable.
std::string to_words(const Actor& actor);

/// Where events go. The one interface that broker, watch and workspace know.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void record(const Event& event) = 0;
};

}  // namespace sandbox_run::events
