#include "cli/commands/wary.h"

#include <algorithm>
#include <set>

#include "base/path.h"
#include "base/text.h"
#include "cli/log/log_reader.h"
#include "cli/review/source.h"
#include "cli/run_log.h"
#include "events/words.h"

namespace sandbox_run::cli {
namespace {

using workspace::HeldChange;
using workspace::HeldView;

/// Who raised an alert: as the log names them, and the packages of those that are one's scripts.
struct Alerted {
  std::set<std::string> names;
  std::set<std::string> packages;
};

/// "evil@1.0.0 postinstall": of several suspects every package is one too many.
void add_suspects(const base::json::object& event, Alerted& alerted) {
  const base::json::object* details = events::object_member(event, "details");
  if (details == nullptr) return;
  for (const std::string& suspect : base::string_list(*details, "suspects")) {
    const std::size_t version = suspect.rfind('@');
    if (version == std::string::npos || version == 0) continue;
    alerted.names.insert(suspect);
    alerted.packages.insert(suspect.substr(0, version));
  }
}

Alerted read_alerted(const std::string& run_directory) {
  Alerted alerted;
  std::ifstream log = cli::read_run_log(run_directory);
  for (LogLine line; read_log_line(log, line);) {
    const auto event = parse_log_event(line);
    if (!event || events::text_member(*event, "severity") != name_of(events::Severity::alert)) {
      continue;
    }
    if (const auto actor = events::actor_of(*event)) {
      alerted.names.insert(events::to_words(*actor));
      if (!actor->package.empty()) alerted.packages.insert(actor->package);
    }
    add_suspects(*event, alerted);
  }
  return alerted;
}

/// The package of who raised an alert lies in it: what was installed is no less suspect than what
/// its script did.
bool holds_package(const ReviewSource& source, const HeldChange& change, const Alerted& alerted) {
  const auto exists = [&](const std::string& path) {
    try {
      return source.view().look(HeldView::From::layer, change.target, path).exists;
    } catch (const std::exception&) {
      return true;  // can't be looked into: better named than taken
    }
  };
  const std::string& path = change.change.path;
  return std::any_of(
      alerted.packages.begin(), alerted.packages.end(), [&](const std::string& package) {
        const std::string directory = "node_modules/" + package;
        if (("/" + path + "/").find("/" + directory + "/") != std::string::npos) return true;
        if (!covers_subtree(change.change) || package.find("..") != std::string::npos) return false;
        return (base::file_name(path) == "node_modules" && exists(path + "/" + package)) ||
               exists(path + "/" + directory);
      });
}

bool is_suspected(const ReviewSource& source, const HeldChange& change, const Alerted& alerted) {
  if (alerted.names.empty()) return false;
  const std::int64_t changed_at = change_time(source.view(), change.target, change.change.path);
  const std::vector<std::string> names = source.suspects().running_at(changed_at);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return alerted.names.contains(name); });
}

}  // namespace

Unnamed choose_unnamed(const std::string& run_directory) {
  const ReviewSource source(run_directory);
  const Alerted alerted = read_alerted(run_directory);
  Unnamed chosen;
  for (const HeldChange& change : source.held()) {
    if (change.verdict == policy::Verdict::protect || is_suspected(source, change, alerted) ||
        holds_package(source, change, alerted)) {
      chosen.all = false;
      chosen.left.push_back(base::typable(source.operand(change)));
      continue;
    }
    const bool alone = change.change.type == 'd' && !covers_subtree(change.change);
    chosen.paths.push_back(full_path(change) + (alone ? "/." : ""));
  }
  return chosen;
}

}  // namespace sandbox_run::cli
