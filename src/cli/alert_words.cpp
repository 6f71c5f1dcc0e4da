#include "cli/alert_words.h"

#include "base/format.h"
#include "base/json.h"
#include "base/text.h"
#include "events/event.h"

namespace sandbox_run::cli {
namespace {

using base::printable;

/// "change.protected (.vscode/tasks.json)"
std::string name_of(const events::Event& alert) {
  for (const char* key : {"act", "path", "name", "host", "destination"}) {
    if (const auto value = base::string_member(alert.details, key)) {
      return printable(alert.type) + " " + in_one_piece("(" + base::typable(*value) + ")");
    }
  }
  return printable(alert.type);
}

/// Globs as TOML strings: a new directory stands for all that is in it. A path that can't stand
/// there as it is, is left to the reader.
std::string toml_globs(const events::Event& alert) {
  const std::string path = base::string_member(alert.details, "path").value_or("");
  const bool is_plain = !path.empty() && printable(path) == path &&
                        path.find_first_of("\"*?[]\\") == std::string::npos;
  const std::string shown = is_plain ? path : "PATH";
  const bool is_directory = base::string_member(alert.details, "type") == "d";
  return "\"" + shown + "\"" + (is_directory ? ", \"" + shown + "/**\"" : "");
}

Paragraph cure_of(const events::Event& alert, const std::string& profile) {
  if (alert.type == "change.protected") {
    return {"",
            Paragraph::Tone::plain,
            "if that change is as it should be, say so in the job's config.toml:",
            {},
            {base::format("[[profile.{}.rule]]", printable(profile)), "verdict = \"hold\"",
             "paths = [" + toml_globs(alert) + "]", "reason = \"known\""}};
  }
  if (alert.type == "behaviour.new") {
    return {"", Paragraph::Tone::plain,
            "if that is as it should be, take it into sandbox-run.lock where you work "
            "(sandbox-run --learn COMMAND, or sandbox-run lock update), and commit that"};
  }
  return {"",
          Paragraph::Tone::plain,
          "no install needs that; remove the package, or go back to its version before",
          {"sandbox-run", "explain"}};
}

}  // namespace

std::vector<Paragraph> alert_exit_acts(const std::vector<events::Event>& alerts,
                                       const std::string& profile, bool by_ci) {
  if (alerts.empty()) return {};
  const events::Event& first = alerts.front();
  const std::string more =
      alerts.size() > 1 ? base::format(" and {} more", alerts.size() - 1) : std::string();
  return {{by_ci ? "exit code 122, because CI is set" : "exit code 122", Paragraph::Tone::plain,
           base::format("{}{} {} the step", name_of(first), more,
                        alerts.size() > 1 ? "fail" : "fails")},
          cure_of(first, profile)};
}

}  // namespace sandbox_run::cli
