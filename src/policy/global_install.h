#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

// `npm install -g`: packages and programs of a prefix that is on somebody's PATH. Pure.
//
// The attack: a global package's script puts a `git` beside the others, replaces `npm`, or changes
// another package; all of these are run later, outside, by whoever types their names.

namespace sandbox_run::policy {

struct GlobalInstall {
  std::string packages;            // …/lib/node_modules, real
  std::string programs;            // …/bin, real
  std::vector<std::string> names;  // of the packages that the command names
  /// An archive or a repository was named: which package it holds is not known before.
  bool any_new = false;
  friend bool operator==(const GlobalInstall&, const GlobalInstall&) = default;
};

/// An entry of `programs`, and the package that its link leads to ("" for none).
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
                                      const std::vector<std::string>& packages,
                                      const std::vector<GlobalProgram>& programs);

/// "name" or "@scope/name" of a path below `packages`; "" if it is none.
std::string global_package_of(std::string_view path);

/// The package that a link in `programs` with this text leads to; "" if to none.
std::string package_of_program(const GlobalInstall& install, std::string_view link);

/// May the command's package of that name be changed, or made?
bool is_named(const GlobalInstall& install, std::string_view package);

}  // namespace sandbox_run::policy
