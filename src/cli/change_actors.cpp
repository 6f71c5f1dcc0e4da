#include "cli/change_actors.h"

#include <exception>
#include <fstream>

#include "base/json.h"
#include "cli/review/suspects.h"
#include "cli/run_log.h"
#include "workspace/held_view.h"

namespace sandbox_run::cli {

struct ChangeActors::Run {
  Suspects suspects;
  workspace::HeldView view;
};

ChangeActors::ChangeActors(events::EventSink& next, std::string run_directory)
    : next_(next), run_directory_(std::move(run_directory)) {}
ChangeActors::~ChangeActors() = default;

void ChangeActors::record(const events::Event& event) {
  const bool is_change = event.type == "change.held" || event.type == "change.protected";
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
  if (!run_) {
    std::ifstream log(log_path(run_directory_), std::ios::binary);
    run_ = std::make_unique<Run>(Run{Suspects(log), workspace::HeldView(run_directory_)});
  }
  const std::string path = base::string_member(event.details, "path").value_or("");
  const std::string target = base::string_member(event.details, "target").value_or("");
  const std::int64_t changed_at = change_time(run_->view, target, path);
  if (auto actor = run_->suspects.only(path, changed_at)) {
    event.actor = std::move(actor);
    event.details["inferred"] = true;
    return;
  }
  base::json::array suspects;
  for (const std::string& words : run_->suspects.names(path, changed_at)) {
    suspects.emplace_back(words);
  }
  event.details["suspects"] = std::move(suspects);
}

}  // namespace sandbox_run::cli
