#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sandbox_run::policy {

/// Pure. The top-level members of a package.json that were added, removed or changed and are not
/// among `allowed`, in alphabetical order. `before` empty: there was none. nullopt: one of the two
/// is no JSON object, so it can't be told.
///
/// The attack: a dependency's install script adds "postinstall" to the project's own `scripts`
/// while `npm install PKG` rewrites the file anyway; npm runs it the next time, outside.
std::optional<std::vector<std::string>> changed_members(std::string_view before,
                                                        std::string_view after,
                                                        const std::vector<std::string>& allowed);

/// Do two package.json mean the same? Members may be in another order, but for those whose order
/// node goes by (exports, imports); blanks and escapes count for nothing. False also for what is no
/// JSON object, or names a member twice: which one counts differs from reader to reader.
bool same_manifest(std::string_view before, std::string_view after);

/// Is a package.json, or npm's lockfile, the same but for versions of the project's own packages
/// (of names `own`): their `version`, and the ranges by which they name each other? A range that
/// leads anywhere else is none.
bool only_own_versions_changed(std::string_view before, std::string_view after,
                               const std::set<std::string>& own);

/// Does the `bin` of this package.json name `path`, relative to its directory?
bool names_program(std::string_view manifest, std::string_view path);

/// The paths that its `bin` names.
std::vector<std::string> named_programs(std::string_view manifest);

/// The paths by which it offers itself to others, relative to its directory: main, module, types,
/// exports, bin, files.
std::vector<std::string> offered_paths(std::string_view manifest);

/// Has it one of these `scripts`?
bool has_script(std::string_view manifest, const std::vector<std::string>& names);

/// Does its `bin`, or `directories.bin`, make `path` the program `program`, as npm links it?
bool names_program_as(std::string_view manifest, std::string_view path, std::string_view program);

}  // namespace sandbox_run::policy
