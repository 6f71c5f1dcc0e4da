#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace sandbox_run::policy {

struct Judgement {
  Verdict verdict = Verdict::hold;
  std::string reason;  // the rule's own words; "not an expected change" if none matched
  std::vector<std::string> keys = {};  // of Verdict::manifest
  /// Not empty: a rule `recorded` came first. If no RECORD lists the file it is protected, with
  /// this reason.
  std::string unless_recorded = {};
  bool by_default = false;  // no rule matched
  /// A change of a protected place that is committed, since the user asked for it: settle.h.
  bool was_protected = false;
};

/// Pure; never Verdict::recorded. `path` relative to the target's root; `arguments` the command's
/// argv. The module's name of `python -m pip` is not among the words that when_argument and
/// unless_argument look at.
Judgement judge(const TargetRules& rules, std::string_view path,
                const std::vector<std::string>& arguments);

/// The verdict that holds for *every* path beneath directory `path`, if the rules can tell without
/// looking at them: a rule "DIR/**" or "**/NAME/**" that covers `path` and comes before any rule
/// that could match something beneath. nullopt: judge each entry.
/// Never Verdict::path_file, recorded, manifest or own: each such file has to be looked at.
/// Lets a fresh node_modules be committed by one rename.
std::optional<Judgement> judge_subtree(const TargetRules& rules, std::string_view path,
                                       const std::vector<std::string>& arguments);

/// The paths that a .pth file (Python's site module) adds to sys.path, as written: relative ones
/// start at the file's own directory. nullopt if Python would execute something in it, or if
/// versions of Python disagree on where its lines end. The one line of setuptools' own
/// distutils-precedence.pth is known and counts for nothing.
///
/// A path is harmless only if it leads to a directory that the host already has: an archive on
/// sys.path, or a new directory, may hold a sitecustomize module. The caller looks.
std::optional<std::vector<std::string>> path_file_paths(std::string_view text);

/// The names in those lines of a .pth file that Python executes (site(3)'s "import" lines): what is
/// imported there, and some that are no module's.
std::set<std::string, std::less<>> path_file_imports(std::string_view text);

/// Does the RECORD of an installed distribution (packaging.python.org, "Recording installed
/// projects": lines of path,sha256=DIGEST,size) list `path`, relative to the directory that holds
/// its .dist-info, with this digest (hexadecimal)? A line without a digest lists nothing.
bool record_lists(std::string_view record, std::string_view path, std::string_view sha256);

}  // namespace sandbox_run::policy
