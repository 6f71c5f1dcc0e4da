#include "cli/review/source.h"

#include <algorithm>
#include <fstream>
#include <tuple>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/run_log.h"

namespace sandbox_run::cli {
namespace {

using workspace::HeldChange;

Suspects read_suspects(const std::string& run_directory) {
  std::ifstream log = read_run_log(run_directory);
  return Suspects(log);
}

/// A name that was copied from where it was shown with its escapes: "a\nb" for a real newline.
std::string held_as_shown(const std::vector<HeldChange>& held, const std::string& operand) {
  for (const HeldChange& change : held) {
    if (base::printable(change.change.path) == operand) return change.change.path;
  }
  return "";
}

std::string resolve_relative(const std::vector<HeldChange>& held, const std::string& operand) {
  std::vector<std::string> found;
  std::vector<std::string> targets;
  for (const HeldChange& change : held) {
    if (std::find(targets.begin(), targets.end(), change.target) != targets.end()) continue;
    targets.push_back(change.target);
    const std::string full =
        base::absolute_path(base::join_path(change.target, operand), change.target);
    if (!base::is_beneath(full, change.target)) continue;
    const bool known = std::any_of(held.begin(), held.end(), [&](const HeldChange& other) {
      return other.target == change.target && names_change(full, other);
    });
    if (known) found.push_back(full);
  }
  if (found.size() == 1) return found.front();
  if (found.size() > 1) {
    std::vector<std::string> words;
    words.reserve(found.size());
    for (const std::string& path : found) words.push_back(base::typable(path));
    throw base::UserError("changes of " + base::printable(operand) +
                          " are held in several places; name one: " + base::join(words, " or "));
  }
  const std::string meant = held_as_shown(held, operand);
  throw base::UserError("no change of " + base::printable(operand) + " is held" +
                        (meant.empty() ? "" : "; did you mean " + base::typable(meant) + "?"));
}

}  // namespace

ReviewSource::ReviewSource(const std::string& run_directory)
    : run_(gather_run(run_directory)),
      view_(run_directory),
      held_(workspace::read_held(run_directory)),
      suspects_(read_suspects(run_directory)),
      renames_(view_, held_) {
  std::stable_sort(held_.begin(), held_.end(), [](const HeldChange& a, const HeldChange& b) {
    if (a.target != b.target) return a.target < b.target;
    return comes_before(a.change.path, b.change.path);
  });
  has_one_target_ = std::all_of(held_.begin(), held_.end(), [&](const HeldChange& change) {
    return change.target == held_.front().target;
  });
}

std::vector<const HeldChange*> ReviewSource::held_at(const std::vector<std::string>& paths) const {
  std::vector<const HeldChange*> changes;
  for (const HeldChange& change : held_) {
    const bool wanted =
        paths.empty() || std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
          return names_change(path, change);
        });
    if (wanted) changes.push_back(&change);
  }
  return changes;
}

std::string ReviewSource::operand(const HeldChange& change) const {
  if (!has_one_target_) return full_path(change);
  // After -- too, but this also looks like what it is.
  return change.change.path.starts_with('-') ? "./" + change.change.path : change.change.path;
}

bool comes_before(const std::string& a, const std::string& b) {
  if (a == "." || b == ".") return a == "." && b != ".";
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

std::string full_path(const HeldChange& change) {
  return change.change.path == "." ? change.target
                                   : base::join_path(change.target, change.change.path);
}

bool names_change(const std::string& full, const HeldChange& change) {
  const std::string path = full_path(change);
  if (base::is_beneath(path, full)) return true;
  return covers_subtree(change.change) && base::is_beneath(full, path);
}

std::vector<std::string> resolve_operands(const std::vector<HeldChange>& held,
                                          const std::vector<std::string>& operands) {
  std::vector<std::string> paths;
  for (const std::string& operand : operands) {
    if (operand.empty()) throw base::UserError("an empty path names nothing");
    if (operand.front() != '/') {
      paths.push_back(resolve_relative(held, operand));
      continue;
    }
    const std::string full = base::absolute_path(operand, "/");
    const bool known = std::any_of(held.begin(), held.end(), [&](const HeldChange& change) {
      return names_change(full, change);
    });
    if (!known) throw base::UserError("no change of " + base::printable(full) + " is held");
    paths.push_back(full);
  }
  return paths;
}

}  // namespace sandbox_run::cli
