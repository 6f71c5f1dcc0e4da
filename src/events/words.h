#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "events/event.h"

// An event as a person reads it. The events come from a log, which may be damaged or forged:
// nothing here believes what it holds, and no control character gets through.

namespace sandbox_run::events {

/// A string of the log, safe for a terminal. Strings were made printable when they were written;
/// their backslashes are not doubled again.
std::string shown(std::string_view text);

/// At most `bytes` of it, not in the middle of a UTF-8 sequence; "…" after what was cut.
std::string cut(std::string text, std::size_t bytes);

/// "ran node install.js", "looked up evil.example.com (A): denied": what was done, without who and
/// when. Of an unknown type: the type and its details. One line, not bounded.
std::string what_happened(const base::json::object& event);

/// How grave an alert of that type is: an act that no install has use for comes before one that
/// only is in the wrong place. 0 for all that is no alert.
int gravity(std::string_view type);

/// "esbuild@0.25.0 postinstall", "package manager"; "sandbox-run" for what has no actor.
std::string who_did_it(const base::json::object& event);

/// The event's actor; nullopt if it has none.
std::optional<Actor> actor_of(const base::json::object& event);

/// The member `key` as a string; "" if it is none.
std::string text_member(const base::json::object& object, std::string_view key);
/// The member `key` as an object; nullptr if it is none.
const base::json::object* object_member(const base::json::object& object, std::string_view key);

}  // namespace sandbox_run::events
