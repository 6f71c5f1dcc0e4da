#include "policy/settle.h"

#include <algorithm>
#include <array>

#include "policy/glob.h"
#include "policy/lockfile_names.h"

// Must: be pure; commit nothing that a package's code wrote and that could start something.

namespace sandbox_run::policy {
namespace {

bool any_matches(const std::vector<std::string>& globs, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return glob_matches(glob, path); });
}

/// Only what the profile says that a manager writes by itself: an archive that tricks it into
/// leaving node_modules must not reach a hook.
bool is_asked_for(const TargetRules& rules, std::string_view path, Verdict verdict) {
  const bool is_kept =
      verdict == Verdict::hold || verdict == Verdict::protect || verdict == Verdict::manifest;
  return is_kept && rules.asked && any_matches(rules.asked->paths, path) &&
         !any_matches(rules.asked->unless, path);
}

Judgement held_as(std::string reason) { return {Verdict::hold, std::move(reason)}; }

/// The attack: a script writes npm-shrinkwrap.json, which npm prefers from then on, or leaves a
/// process running that changes where a package is fetched from when npm has written the lockfile.
Judgement settle_own(Judgement by_path, Author author) {
  const Verdict kept = by_path.by_default ? Verdict::hold : Verdict::protect;
  by_path.verdict = author == Author::package ? kept : Verdict::commit;
  return by_path;
}

Judgement by_content(const TargetRules& rules, Judgement by_path, Author author,
                     const Finding& finding) {
  if (by_path.verdict == Verdict::own) return settle_own(std::move(by_path), author);
  const bool is_projects = author != Author::package && author != Author::manager;
  switch (finding.content) {
    case Content::other:
      return by_path;
    case Content::same_value:
      return {Verdict::commit, ""};
    case Content::own_versions:  // a release
      return is_projects ? Judgement{Verdict::commit, ""} : by_path;
    case Content::same_entries:
      return {Verdict::drop, ""};  // git looks again: nothing is lost
    case Content::named_extension:
      // A dependency's build can plant it, too, and the project would load that.
      if (!is_projects) return by_path;
      [[fallthrough]];
    case Content::made_executable:
      // Where back doors are planted, not even that.
      return by_path.verdict == Verdict::hold ? Judgement{Verdict::commit, ""} : by_path;
    case Content::git_hooks:
      if (!is_projects) return by_path;
      if (rules.takes_git_hooks) return {Verdict::commit, ""};
      return held_as(std::string(kGitHooksReason) + " (" + finding.words +
                     ") that the project's own script set up");
    case Content::git_settings:
      return is_projects ? Judgement{Verdict::commit, ""} : by_path;
    case Content::git_starters:
      by_path.reason += ": " + finding.words;
      return by_path;
    case Content::new_file:
    case Content::ignored_output:
      // The output of a build, generated code. A program of a dependency that such a script starts
      // can put it there, too: no more than it can put into node_modules, which is taken over as
      // well.
      return author == Author::own_script && by_path.verdict == Verdict::hold && by_path.by_default
                 ? Judgement{Verdict::commit, ""}
                 : by_path;
    case Content::copied_example:
      return is_projects ? Judgement{Verdict::commit, ""} : by_path;
    case Content::ignored_setting:
      if (!is_projects) return by_path;
      return held_as("written by the project's own code, and ignored by git");
  }
  return by_path;
}

/// --review and what follows an alert commit nothing.
Judgement within(const TargetRules& rules, Judgement judgement) {
  if (rules.hold_reason.empty() || judgement.verdict != Verdict::commit) return judgement;
  return held_as(rules.hold_reason);
}

}  // namespace

Judgement settle(const TargetRules& rules, std::string_view path, Judgement by_path,
                 Author author) {
  if (author != Author::asked) return by_path;
  if (by_path.verdict == Verdict::own) by_path.verdict = Verdict::commit;
  if (is_asked_for(rules, path, by_path.verdict)) {
    Judgement asked{Verdict::commit, by_path.reason};
    asked.was_protected = by_path.verdict == Verdict::protect;
    return within(rules, std::move(asked));
  }
  if (by_path.verdict == Verdict::manifest) by_path.verdict = Verdict::commit;
  return by_path;
}

Judgement settle(const TargetRules& rules, std::string_view path, Judgement by_path, Author author,
                 const Finding& finding) {
  by_path = settle(rules, path, std::move(by_path), author);
  if (!depends_on_content(by_path)) return by_path;
  return within(rules, by_content(rules, std::move(by_path), author, finding));
}

Judgement settle_removal(std::string_view path, Judgement by_path,
                         const std::function<bool()>& is_own_output) {
  const Verdict verdict = by_path.verdict;
  // `rm -rf dist` before a build.
  if (verdict == Verdict::hold && by_path.by_default && is_own_output && is_own_output()) {
    return {Verdict::commit, ""};
  }
  if (verdict == Verdict::manifest) {
    return {Verdict::protect, by_path.reason + " (it was removed)"};
  }
  // The next install would resolve anew.
  if (verdict == Verdict::own && is_lockfile(path)) {
    return held_as("the lockfile was removed, and packages' code ran");
  }
  // Gone, it is started no more.
  if (verdict == Verdict::own || verdict == Verdict::path_file) by_path.verdict = Verdict::commit;
  return by_path;
}

bool depends_on_content(const Judgement& by_path) {
  return by_path.verdict == Verdict::hold || by_path.verdict == Verdict::protect ||
         by_path.verdict == Verdict::own;
}

bool may_hold_hooks(std::string_view path) {
  static constexpr std::array<std::string_view, 6> kGlobs = {
      ".husky", ".husky/**", "**/.git", "**/.git/hooks", "**/.husky", "**/.husky/_"};
  return std::any_of(kGlobs.begin(), kGlobs.end(),
                     [&](std::string_view glob) { return glob_matches(glob, path); });
}

}  // namespace sandbox_run::policy
