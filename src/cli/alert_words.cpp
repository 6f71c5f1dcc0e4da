#include "cli/alert_words.h"

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"

namespace sandbox_run::cli {
namespace {

using base::printable;

/// "change.protected (.vscode/tasks.json)"
std::string name_of(const events::Event& alert) {
  std::string words = printable(alert.type);
  for (const char* key : {"act", "path", "name", "host", "destination"}) {
    if (const auto value = base::string_member(alert.details, key)) {
      return words + " (" + printable(*value) + ")";
    }
  }
  return words;
}

std::string cure_of(const events::Event& alert, const std::string& profile) {
  if (alert.type == "change.protected") {
    // The path as TOML's literal string; one that can't stand there is left to the reader.
    std::string path = base::string_member(alert.details, "path").value_or("");
    if (path.empty() || printable(path) != path || path.find('\'') != std::string::npos)
      path = "PATH";
    return base::format(
        "if it is as it should be, the job's config.toml says so: [[profile.{}.rule]] verdict = "
        "'hold', paths = ['{}'], reason = 'known'",
        printable(profile), path);
  }
  if (alert.type == "behaviour.new") {
    return "if it is as it should be, take it into sandbox-run.lock where you work (sandbox-run "
           "--learn "
           "COMMAND, or sandbox-run lock update), and commit that";
  }
  return "nothing in an install does that: take the package out, or go back to the version before; "
         "who it was: sandbox-run explain";
}

}  // namespace

std::vector<std::string> alert_exit_words(const std::vector<events::Event>& alerts,
                                          const std::string& profile, bool by_ci) {
  if (alerts.empty()) return {};
  const events::Event& first = alerts.front();
  const std::string more =
      alerts.size() > 1 ? base::format(" and {} more", alerts.size() - 1) : std::string();
  const char* why = by_ci ? ", because CI is set" : "";
  return {base::format("exit code 122{}: {}{} fails the step", why, name_of(first), more),
          cure_of(first, profile)};
}

}  // namespace sandbox_run::cli
