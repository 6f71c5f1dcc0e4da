#include "workspace/nested_judge.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/path.h"

namespace sandbox_run::workspace {
namespace {

using policy::Judgement;
using policy::Verdict;

class NestedJudge {
 public:
  NestedJudge(Judge judge, const std::vector<NestedCommand>& nested, const std::string& target)
      : judge_(std::move(judge)) {
    for (const NestedCommand& command : nested) {
      if (!base::is_beneath(command.directory, target)) continue;
      commands_.push_back(command);
      commands_.back().directory = base::relative_to(command.directory, target);
      // What a script of the project's builds is no word about what others wrote meanwhile: with
      // `prepare: npm run build`, a dependency's script would have all of src.
      commands_.back().rules.output.reset();
      commands_.back().rules.creates.reset();
    }
  }

  /// What the command's own rules take over, and those of a manager that it started would not: if a
  /// package's script was running when it was last changed, it is no build's output.
  ///
  /// The attack: `make` runs `npm install`, and a dependency's script changes the Makefile.
  Judgement as_far_as_packages_are_out(const std::string& path, Judgement judgement) const {
    if (judgement.verdict != Verdict::commit) return judgement;
    for (const NestedCommand& command : commands_) {
      if (!is_at_or_beneath(path, command.directory) || path == command.directory ||
          !fills_node_modules(command)) {
        continue;
      }
      const Judgement own =
          policy::judge(command.rules, inside(path, command.directory), command.arguments);
      if (own.verdict == Verdict::commit) return judgement;
      judgement.verdict = Verdict::own;
      judgement.reason = "a package's script was running when it was last changed";
      judgement.by_default = own.verdict == Verdict::hold;
    }
    return judgement;
  }

  Judgement entry(const std::string& path) const {
    Judgement judgement = judge_.entry(path);
    if (!is_kept_back(judgement)) return as_far_as_packages_are_out(path, std::move(judgement));
    for (const NestedCommand& command : commands_) {
      if (!is_at_or_beneath(path, command.directory) || path == command.directory) continue;
      Judgement own =
          policy::judge(command.rules, inside(path, command.directory), command.arguments);
      if (is_taken_over(own)) return own;
    }
    return judgement;
  }

  std::optional<Judgement> subtree(const std::string& path) const {
    std::optional<Judgement> whole = judge_.subtree(path);
    if (!whole) return whole;
    if (whole->verdict == Verdict::commit && is_in_question(path)) return std::nullopt;
    if (!is_kept_back(*whole)) return whole;
    const bool concerns =
        std::any_of(commands_.begin(), commands_.end(), [&](const NestedCommand& command) {
          return is_at_or_beneath(path, command.directory) ||
                 is_at_or_beneath(command.directory, path);
        });
    return concerns ? std::nullopt : whole;
  }

 private:
  /// A pip installs once all builds are over, into what lies beside the project's own files.
  static bool fills_node_modules(const NestedCommand& command) {
    return policy::judge(command.rules, "node_modules/x/y", command.arguments).verdict ==
           Verdict::commit;
  }
  bool is_in_question(const std::string& path) const {
    return std::any_of(commands_.begin(), commands_.end(), [&](const NestedCommand& command) {
      if (!fills_node_modules(command)) return false;
      if (!is_at_or_beneath(path, command.directory) || path == command.directory) {
        return is_at_or_beneath(command.directory, path);
      }
      const auto whole =
          policy::judge_subtree(command.rules, inside(path, command.directory), command.arguments);
      return !whole || whole->verdict != Verdict::commit;
    });
  }
  static bool is_kept_back(const Judgement& judgement) {
    return judgement.verdict == Verdict::hold || judgement.verdict == Verdict::protect;
  }
  static bool is_taken_over(const Judgement& judgement) {
    return judgement.verdict == Verdict::commit || judgement.verdict == Verdict::manifest ||
           judgement.verdict == Verdict::own || judgement.verdict == Verdict::path_file ||
           judgement.verdict == Verdict::recorded;
  }
  static std::string inside(const std::string& path, const std::string& directory) {
    return directory.empty() ? path : path.substr(directory.size() + 1);
  }

  Judge judge_;
  std::vector<NestedCommand> commands_;  // their directories relative to the target
};

}  // namespace

Judge judge_nested_too(Judge judge, const CommitRequest& request, const std::string& target) {
  if (request.nested.empty()) return judge;
  const auto nested = std::make_shared<const NestedJudge>(judge, request.nested, target);
  judge.entry = [nested](const std::string& path) { return nested->entry(path); };
  judge.subtree = [nested](const std::string& path) { return nested->subtree(path); };
  return judge;
}

}  // namespace sandbox_run::workspace
