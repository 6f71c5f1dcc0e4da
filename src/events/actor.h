#pragma once

#include <string>
#include <string_view>
#include <vector>

// Whose an act is, and of which process.

namespace sandbox_run::events {

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

/// As written in the log: "package-manager", "script", ….
std::string_view name_of(Actor::Kind kind);
/// The other way; Kind::unknown for a name that there is not.
Actor::Kind kind_named(std::string_view name);

/// "esbuild@0.25.0 postinstall", "package manager", … for people. Made printable.
std::string to_words(const Actor& actor);

}  // namespace sandbox_run::events
