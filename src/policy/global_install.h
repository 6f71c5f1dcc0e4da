#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

// `npm install -g`, `pnpm add -g`, `yarn global add`, `bun add -g`: packages and programs of a
// place that is on somebody's PATH. Pure.
//
// The attack: a global package's script puts a `git` beside the others, replaces `npm`, or changes
// another package; all of these are run later, outside, by whoever types their names.

namespace sandbox_run::policy {

/// How the packages lie in their directory.
enum class GlobalLayout {
  npm,      // NAME/…, @SCOPE/NAME/…
  project,  // yarn 1, bun, pnpm up to 10: one project that depends on all; pnpm's lie in .pnpm
  projects  // pnpm from 11 on: a project for what one command named, and a link to it
};

struct GlobalInstall {
  std::string packages;            // PREFIX/lib/node_modules, PNPM_HOME/global/5 …, real
  std::string programs;            // PREFIX/bin, PNPM_HOME …, real
  std::vector<std::string> names;  // of the packages that the command names
  /// An archive or a repository was named: which package it holds is not known before.
  bool any_new = false;
  GlobalLayout layout = GlobalLayout::npm;
  friend bool operator==(const GlobalInstall&, const GlobalInstall&) = default;
};

/// What lies there already at `path`, in the directory of the packages, and what it belongs to: all
/// of these packages; none: to others, or it can't be told.
struct GlobalEntry {
  std::string path;
  std::vector<std::string> packages;
};

/// An entry of `programs`, and the package that it starts a program of ("" for none).
struct GlobalProgram {
  std::string name;
  std::string package;
};

/// Adds the packages that `words` name (what follows `install -g`). `own`: the name in the
/// package.json of a directory that is named, "" if there is none.
void add_named_packages(const std::vector<std::string>& words, const std::string& own,
                        GlobalInstall& install);

/// The rules of both directories, given what is there already: what is no part of a package that
/// the command names is protected if it was there, and held if it is new.
std::vector<TargetRules> global_rules(const GlobalInstall& install,
                                      const std::vector<GlobalEntry>& entries,
                                      const std::vector<GlobalProgram>& programs);

/// "name" or "@scope/name" of a path below `packages`; "" if it is none.
std::string global_package_of(std::string_view path);

/// The package that a link in `programs` with this text leads to; "" if to none. npm's layout.
std::string package_of_program(const GlobalInstall& install, std::string_view link);

/// "tool" and "…/node_modules/tool" of "…/node_modules/tool/cli.js": the last one of the path.
struct PackagePlace {
  std::string name;
  std::string directory;
};
std::optional<PackagePlace> package_in(std::string_view path);

/// The package of an entry of pnpm's ".pnpm": "@s/tool" of "@s+tool@1.0.0"; "" if it is none.
std::string package_of_store_entry(std::string_view entry);

/// May the command's package of that name be changed, or made?
bool is_named(const GlobalInstall& install, std::string_view package);

}  // namespace sandbox_run::policy
