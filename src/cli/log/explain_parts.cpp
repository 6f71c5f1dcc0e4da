#include "cli/log/explain_parts.h"

#include "base/text.h"
#include "events/words.h"

namespace sandbox_run::cli {

namespace json = base::json;
using events::object_member;
using events::shown;
using events::text_member;

std::string detail(const json::object& event, std::string_view key) {
  const json::object* details = object_member(event, "details");
  return details == nullptr ? "" : text_member(*details, key);
}

std::uint64_t number_detail(const json::object& event, std::string_view key,
                            std::uint64_t fallback) {
  const json::object* details = object_member(event, "details");
  const auto number = details == nullptr ? std::nullopt : base::number_member(*details, key);
  return number.value_or(0) > 0 ? *number : fallback;
}

std::optional<std::string> toml_string(const std::string& text) {
  if (text.empty() || text.find_first_of("\\\"") != std::string::npos || shown(text) != text) {
    return std::nullopt;
  }
  return "\"" + text + "\"";
}

std::string table(const ExplainedRun& run, const std::string& name) {
  const bool plain =
      !run.profile.empty() &&
      run.profile.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  if (name.empty()) return plain ? "[profile." + run.profile + "]" : "";
  return plain ? "[[profile." + run.profile + "." + name + "]]" : "[[" + name + "]]";
}

std::string once_with(const ExplainedRun& run, const std::vector<std::string>& options) {
  std::vector<std::string> words{"sandbox-run"};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), run.command.begin(), run.command.end());
  return shown(base::shell_words(words));
}

}  // namespace sandbox_run::cli
