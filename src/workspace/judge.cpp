#include "workspace/judge.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/path.h"
#include "policy/command_words.h"
#include "policy/glob.h"
#include "workspace/held_list.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

using policy::Judgement;
using policy::Verdict;

policy::TargetRules rules_for(const policy::FilesystemPolicy* files, policy::TargetKind kind) {
  if (files != nullptr) {
    for (const policy::TargetRules& rules : files->targets) {
      if (rules.kind == kind) return rules;
    }
  }
  policy::TargetRules none;
  none.kind = kind;
  return none;
}

class ChoiceJudge {
 public:
  explicit ChoiceJudge(Choice choice) : choice_(std::move(choice)) {
    for (HeldChange& held : choice_.held) {
      if (held.change.path == ".") held.change.path.clear();
    }
    std::sort(
        choice_.held.begin(), choice_.held.end(),
        [](const HeldChange& a, const HeldChange& b) { return a.change.path < b.change.path; });
  }

  Judgement entry(const std::string& path) const {
    const HeldChange* held = covering(path);
    // Not listed: what is left of an earlier commit, no change of the run's.
    if (held == nullptr) return {Verdict::drop, ""};
    if (!is_chosen(path)) return {held->verdict, held->reason};
    return {choice_.act == Choice::Act::commit ? Verdict::commit : Verdict::drop, held->reason};
  }

  std::optional<Judgement> subtree(const std::string& path) const {
    const HeldChange* held = covering(path);
    if (held == nullptr || !covers_subtree(held->change)) return std::nullopt;
    const bool choice_inside =
        std::any_of(choice_.paths.begin(), choice_.paths.end(), [&](const HeldPath& chosen) {
          return chosen.path != path && is_at_or_beneath(chosen.path, path);
        });
    if (choice_inside && !is_chosen(path)) return std::nullopt;
    return entry(path);
  }

 private:
  static bool reaches(const HeldPath& chosen, const std::string& path) {
    if (chosen.reach == HeldPath::Reach::subtree) return is_at_or_beneath(path, chosen.path);
    return path == (chosen.path == "." ? "" : chosen.path);
  }

  const HeldChange* at(const std::string& path) const {
    const auto found = std::lower_bound(choice_.held.begin(), choice_.held.end(), path,
                                        [](const HeldChange& held, const std::string& wanted) {
                                          return held.change.path < wanted;
                                        });
    return found != choice_.held.end() && found->change.path == path ? &*found : nullptr;
  }

  const HeldChange* covering(const std::string& path) const {
    if (const HeldChange* held = at(path)) return held;
    for (std::size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0;
         slash = path.rfind('/', slash - 1)) {
      const HeldChange* held = at(path.substr(0, slash));
      if (held != nullptr && covers_subtree(held->change)) return held;
    }
    return nullptr;
  }

  bool is_chosen(const std::string& path) const {
    return choice_.paths.empty() ||
           std::any_of(choice_.paths.begin(), choice_.paths.end(),
                       [&](const HeldPath& chosen) { return reaches(chosen, path); });
  }

  Choice choice_;
};

}  // namespace

bool is_at_or_beneath(const std::string& path, const std::string& directory) {
  if (directory.empty() || directory == ".") return true;
  return path.compare(0, directory.size(), directory) == 0 &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

namespace {

/// What the package manager makes for the user though scripts ran, if they were the project's own:
/// the commit and the tag of `npm version` with a `version` script that tests and stages, or of
/// `git commit` with the user's own hook; the archive of `npm pack` after `prepack`. Not git's
/// hooks and configuration, and not package.json, which a program of a dependency could change that
/// a script starts.
///
/// The attack: a dependency's script runs in the same command, and moves a branch.
class AskedBesideScripts {
 public:
  AskedBesideScripts(const CommitRequest& request, policy::TargetKind kind, Whose whose)
      : is_whole_(is_whole(request, kind)) {
    if (whose == Whose::own) only_own_ = request.only_own_scripts_ran;
  }

  bool operator()(const std::string& path) const {
    const bool may_be =
        policy::glob_matches("**/*.tgz", path) || (is_whole_ && is_state_of_git(path));
    return may_be && only_own_ && only_own_();
  }

 private:
  /// What git writes in each commit, and what starts nothing (gitrepository-layout(5)).
  static bool is_state_of_git(const std::string& path) {
    constexpr std::array kNames{
        "index", "HEAD", "ORIG_HEAD", "COMMIT_EDITMSG", "MERGE_HEAD", "MERGE_MSG", "MERGE_MODE",
        "FETCH_HEAD", "AUTO_MERGE", "packed-refs", "objects", "objects/**", "refs", "refs/**",
        "logs", "logs/**",
        // Of `git worktree add`.
        "worktrees", "worktrees/*", "worktrees/*/gitdir", "worktrees/*/commondir"};
    return policy::glob_matches("**/.git", path) ||
           std::any_of(kNames.begin(), kNames.end(), [&](const char* name) {
             return policy::glob_matches(std::string("**/.git/") + name, path) ||
                    policy::glob_matches(std::string("**/.git/worktrees/*/") + name, path);
           });
  }

  bool is_whole_;
  std::function<bool()> only_own_;
};

}  // namespace

Judge judge_by_policy(const CommitRequest& request, policy::TargetKind kind, Whose whose) {
  struct Context {
    policy::TargetRules rules;
    std::vector<std::string> arguments;
    bool trusted;
    bool asked;
    AskedBesideScripts asked_beside_scripts;
    std::function<policy::Author(std::int64_t)> author_at;
    std::function<bool(const std::string&, std::int64_t)> no_package_wrote;
  };
  policy::TargetRules rules_here = rules_for(request.policy, kind);
  if (whose == Whose::another) {
    rules_here.output.reset();
    rules_here.creates.reset();
  }
  const bool all_asked = request.only_package_manager_ran && whose == Whose::own;
  const auto context = std::make_shared<const Context>(Context{
      std::move(rules_here), request.arguments, request.only_package_manager_ran, all_asked,
      AskedBesideScripts(request, kind, whose), request.author_at, request.no_package_wrote});
  const auto settle = [context](const std::string& path, Judgement judgement) {
    if (judgement.verdict == Verdict::trusted) {
      judgement.verdict = context->trusted ? Verdict::commit : Verdict::drop;
    }
    // Whoever it was by the times, of a path alone the worst is assumed.
    const bool asked = context->asked || context->asked_beside_scripts(path);
    const auto author = asked ? policy::Author::asked : policy::Author::package;
    return policy::settle(context->rules, path, std::move(judgement), author);
  };
  Judge judge;
  const policy::TargetRules& rules = context->rules;
  judge.commits_new_directories = rules.creates && rules.hold_reason.empty() &&
                                  policy::holds_for(*rules.creates, context->arguments);
  judge.new_places = rules.hold_reason.empty() ? request.new_places : std::vector<std::string>{};
  judge.known = request.known;
  judge.keeps_modes =
      whose == Whose::own && (request.only_package_manager_ran || request.no_package_ran);
  judge.entry = [context, settle](const std::string& path) {
    return settle(path, policy::judge(context->rules, path, context->arguments));
  };
  judge.subtree = [context, settle](const std::string& path) -> std::optional<Judgement> {
    std::optional<Judgement> judgement =
        policy::judge_subtree(context->rules, path, context->arguments);
    if (!judgement) return std::nullopt;
    const bool is_protected = judgement->verdict == Verdict::protect;
    // Beneath it the one path is asked for, the other is not; or is known for what it holds.
    const bool asked = context->asked || context->asked_beside_scripts(path);
    if (is_protected && (asked || policy::may_hold_hooks(path))) return std::nullopt;
    // What the project's own scripts made is known by each file's time.
    const bool may_be_projects = judgement->by_default && context->author_at && !context->asked;
    if (may_be_projects && judgement->verdict == Verdict::hold) return std::nullopt;
    return settle(path, *judgement);
  };
  if (rules.hold_reason.empty()) {
    judge.removes_output = [only_own = request.only_own_scripts_ran](const std::string&) {
      return only_own && only_own();
    };
  }
  judge.content = [context](const std::string& path, Judgement judgement,
                            const policy::Finding& finding, std::int64_t changed_at) {
    auto author = policy::Author::package;
    if (context->asked || context->asked_beside_scripts(path)) {
      author = policy::Author::asked;
    } else if (judgement.verdict == Verdict::own) {
      const bool is_own =
          context->no_package_wrote && context->no_package_wrote(finding.where, changed_at);
      if (is_own) author = policy::Author::manager;
    } else if (context->author_at) {
      author = context->author_at(changed_at);
      // A package's file that the project's own script touches (chmod, a formatter) is the
      // package's.
      const bool is_new = finding.content == policy::Content::new_file;
      const bool is_older = finding.content == policy::Content::ignored_output;
      if ((is_new || is_older) &&
          context->author_at(finding.made_at) != policy::Author::own_script) {
        author = policy::Author::package;
      }
    }
    return policy::settle(context->rules, path, std::move(judgement), author, finding);
  };
  return judge;
}

/// The attack: another package's script plants a program where the browser of this one is looked
/// for, or changes one that is there; or leaves a file that this one's script then touches.
Judge judge_downloads(const CommitRequest& request, const std::vector<std::string>& packages) {
  Judge judge;
  judge.entry = [](const std::string&) { return Judgement{Verdict::hold, ""}; };
  judge.subtree = [](const std::string&) { return std::optional<Judgement>(); };
  const auto made_by = request.made_by;
  judge.content = [made_by, packages](const std::string&, Judgement judgement,
                                      const policy::Finding& finding, std::int64_t changed_at) {
    const bool is_own = finding.content == policy::Content::new_file && made_by &&
                        made_by(packages, changed_at) && made_by(packages, finding.made_at);
    if (is_own) judgement.verdict = Verdict::commit;
    return judgement;
  };
  return judge;
}

namespace {

constexpr const char* kAnotherProject = "in another project than this one";

/// Of a neighbour, what its own script builds is taken over. The attack: the project's .npmrc has
/// npm start all scripts by a shell of its own. So only where the neighbour itself says that it is
/// no source: no more than what the lockfile can put into its node_modules.
///
/// What the project's own scripts may do in the project they may not do there: a project that was
/// cloned has such scripts, too.
class NeighbourContent {
 public:
  NeighbourContent(const Judge& judge, const CommitRequest& request, std::string target)
      : inner_(judge.content),
        may_commit_(judge.removes_output),  // not where a person is to look at all of it first
        was_made_at_home_(request.was_made_at_home),
        is_own_(request.is_neighbours_own),
        none_wrote_(request.none_wrote_beside),
        target_(std::move(target)) {}

  Judgement operator()(const std::string& path, Judgement judgement, const policy::Finding& finding,
                       std::int64_t changed_at) const {
    const std::string where = base::join_path(target_, path);
    const bool is_managers = judgement.verdict == Verdict::own;
    if (is_managers && !(none_wrote_ && none_wrote_(where, changed_at))) {
      const bool is_projects = is_own_ && is_own_(where, changed_at);
      return {is_projects ? Verdict::hold : Verdict::protect, kAnotherProject};
    }
    if (is_managers) return inner_(path, std::move(judgement), finding, changed_at);
    switch (finding.content) {
      case policy::Content::same_value:
      case policy::Content::same_entries:
      case policy::Content::made_executable:
        return inner_(path, std::move(judgement), finding, changed_at);
      case policy::Content::new_file:
      case policy::Content::ignored_output:
        return is_output(where, judgement, finding, changed_at) ? Judgement{Verdict::commit, ""}
                                                                : judgement;
      default:
        return judgement;
    }
  }

 private:
  bool is_output(const std::string& where, const Judgement& judgement,
                 const policy::Finding& finding, std::int64_t changed_at) const {
    const bool is_said = finding.content == policy::Content::ignored_output ||
                         (finding.is_output && finding.is_output());
    return may_commit_ && judgement.verdict == Verdict::hold && judgement.by_default &&
           was_made_at_home_ && was_made_at_home_(where, changed_at) &&
           was_made_at_home_(where, finding.made_at) && is_said;
  }

  std::function<Judgement(const std::string&, Judgement, const policy::Finding&, std::int64_t)>
      inner_;
  bool may_commit_;
  std::function<bool(const std::string&, std::int64_t)> was_made_at_home_;
  std::function<bool(const std::string&, std::int64_t)> is_own_;
  std::function<bool(const std::string&, std::int64_t)> none_wrote_;
  std::string target_;
};

}  // namespace

Judge judge_neighbour(Judge judge, const CommitRequest& request, const std::string& target) {
  const auto inner = std::make_shared<const Judge>(judge);
  judge.subtree = [inner](const std::string& path) -> std::optional<Judgement> {
    std::optional<Judgement> whole = inner->subtree(path);
    return whole && whole->verdict == Verdict::commit ? std::nullopt : whole;
  };
  judge.content = NeighbourContent(*inner, request, target);
  if (judge.removes_output) {
    judge.removes_output = [target,
                            made_at_home = request.was_made_at_home](const std::string& path) {
      return made_at_home && made_at_home(base::join_path(target, path), kNoTime);
    };
  }
  judge.objection = [inner, target, is_own = request.is_neighbours_own,
                     none_wrote = request.none_wrote_beside](
                        const std::string& path, std::int64_t changed_at,
                        bool was_there) -> std::optional<Judgement> {
    const std::string where = base::join_path(target, path);
    if (is_own && is_own(where, changed_at)) {
      // Of what was removed there is no time.
      const bool is_managers =
          changed_at == kNoTime || (none_wrote && none_wrote(where, changed_at));
      if (is_managers) return std::nullopt;
      return Judgement{Verdict::hold, kAnotherProject};
    }
    const bool is_changed = was_there && changed_at != kNoTime;
    return Judgement{is_changed ? Verdict::protect : Verdict::hold,
                     std::string("a package's code may have changed it, ") + kAnotherProject};
  };
  return judge;
}

Judge judge_known_as(Judge judge, const std::string& directory) {
  const auto inner = std::make_shared<const Judge>(judge);
  const auto inside = [directory](const std::string& path) {
    return path.empty() ? directory : directory + "/" + path;
  };
  judge.entry = [inner, inside](const std::string& path) { return inner->entry(inside(path)); };
  judge.subtree = [inner, inside](const std::string& path) { return inner->subtree(inside(path)); };
  if (!inner->content) return judge;
  judge.content = [inner, inside](const std::string& path, Judgement judgement,
                                  const policy::Finding& finding, std::int64_t changed_at) {
    return inner->content(inside(path), std::move(judgement), finding, changed_at);
  };
  return judge;
}

bool is_whole(const CommitRequest& request, policy::TargetKind kind) {
  const policy::TargetRules rules = rules_for(request.policy, kind);
  if (rules.whole && policy::holds_for(*rules.whole, request.arguments)) return true;
  return request.is_release && rules.output && policy::holds_for(*rules.output, request.arguments);
}

Judge judge_by_choice(Choice choice) {
  const auto judge = std::make_shared<const ChoiceJudge>(std::move(choice));
  return {[judge](const std::string& path) { return judge->entry(path); },
          [judge](const std::string& path) { return judge->subtree(path); },
          {}};
}

Judge judge_hold_all(std::string reason) {
  Judgement held{Verdict::hold, std::move(reason)};
  return {[held](const std::string&) { return held; },
          [held](const std::string&) { return std::optional<Judgement>(held); },
          {}};
}

Judge judge_without_commits(Judge judge, const std::string& reason) {
  judge.hold_reason = reason;
  return judge;
}

}  // namespace sandbox_run::workspace
