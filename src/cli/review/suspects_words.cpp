// How suspects are told, and when an entry of a layer changed.

#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "cli/review/suspects.h"

namespace sandbox_run::cli {
namespace {

constexpr std::size_t kMaxEntries = 100;  // of a directory, looked at for their times

}  // namespace

std::vector<std::string> Suspects::packages() const {
  std::vector<std::string> found;
  for (const Script& script : scripts_) found.push_back(script.actor.package);
  return found;
}

std::vector<std::string> Suspects::names(std::string_view target, std::string_view path,
                                         std::int64_t changed_at) const {
  const Found found = find(target, path, changed_at);
  std::vector<std::string> names;
  for (const Script* script : found.scripts) {
    if (names.size() == kMaxNamed) break;
    names.push_back(script->words);
  }
  return names;
}

std::vector<std::string> Suspects::running_at(std::int64_t changed_at) const {
  std::vector<std::string> names;
  for (const Script* script : running(changed_at)) names.push_back(script->words);
  return names;
}

std::string Suspects::words(std::string_view target, std::string_view path,
                            std::int64_t changed_at) const {
  const Found found = find(target, path, changed_at);
  const std::size_t count = found.scripts.size();
  if (count == 0) {
    return scripts_.empty() ? "the command itself (no script ran)"
                            : "the command itself (no script was running then)";
  }
  const std::string who = base::join(names(target, path, changed_at), ", ");
  const std::string more =
      count > kMaxNamed ? base::format(" or {} more", count - kMaxNamed) : std::string();
  if (found.evidence == Evidence::seen) return who + more + " (seen writing it)";
  if (found.evidence == Evidence::command) return who + more + " (its command names the file)";
  if (count == 1 && scripts_.size() == 1) return who + " (the only script that ran)";
  if (count == 1) return who + " (the only script that was running then)";
  return "one of " + who + more +
         (changed_at == kNoTime ? " (they ran)" : " (they were running then)");
}

std::int64_t change_time(const workspace::HeldView& view, const std::string& target,
                         const std::string& path) {
  try {
    const workspace::HeldSide side = view.look(workspace::HeldView::From::layer, target, path);
    if (!side.exists) return Suspects::kNoTime;
    if (side.type != 'd') return side.ctime;
    // A directory's own time is also that of our looking into it.
    std::int64_t first = Suspects::kNoTime;
    for (const workspace::HeldEntry& entry : view.list(target, path, kMaxEntries).entries) {
      if (entry.side.type != 'd') first = std::min(first, entry.side.ctime);
    }
    return first;
  } catch (const std::exception&) {
    return Suspects::kNoTime;
  }
}

}  // namespace sandbox_run::cli
