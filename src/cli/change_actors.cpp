#include "cli/change_actors.h"

#include <exception>
#include <fstream>

#include "base/json.h"
#include "cli/run_log.h"

namespace sandbox_run::cli {

void ChangeActors::record(const events::Event& event) {
  const bool is_change = event.type == "change.held" || event.type == "change.protected" ||
                         event.type == "change.stripped";
  if (!is_change || event.actor || !event.details.contains("path")) return next_.record(event);
  events::Event named = event;
  try {
    name(named);
  } catch (const std::exception&) {
    // What was held is told, by whomever.
  }
  next_.record(named);
}

void ChangeActors::name(events::Event& event) {
  if (!suspects_) {
    std::ifstream log = read_run_log(run_directory_);
    suspects_.emplace(log);
  }
  const std::string path = base::string_member(event.details, "path").value_or("");
  const std::string target = base::string_member(event.details, "target").value_or("");
  // What was stripped is in place already, with another time: an archive's content as likely as a
  // script's work, unless no script ran.
  const bool stripped = event.type == "change.stripped";
  if (!stripped && !view_) view_.emplace(run_directory_);
  const std::int64_t changed_at = stripped ? Suspects::kNoTime : change_time(*view_, target, path);
  auto only = suspects_->only(target, path, changed_at);
  if (stripped && only && !only->was_seen &&
      only->actor.kind != events::Actor::Kind::package_manager) {
    only.reset();
  }
  if (only) {
    event.actor = std::move(only->actor);
    if (!only->was_seen) event.details["inferred"] = true;
    return;
  }
  base::json::array suspects;
  for (const std::string& words : suspects_->names(target, path, changed_at)) {
    suspects.emplace_back(words);
  }
  event.details["suspects"] = std::move(suspects);
}

}  // namespace sandbox_run::cli
