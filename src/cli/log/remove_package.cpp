#include "cli/log/remove_package.h"

#include <array>

#include "base/path.h"
#include "base/text.h"
#include "events/words.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;
using events::Actor;

struct Remover {
  std::string_view program;
  std::string_view words;
};
constexpr std::array kRemovers{Remover{"npm", "npm uninstall"},  Remover{"npx", "npm uninstall"},
                               Remover{"pnpm", "pnpm remove"},   Remover{"pnpx", "pnpm remove"},
                               Remover{"yarn", "yarn remove"},   Remover{"yarnpkg", "yarn remove"},
                               Remover{"bun", "bun remove"},     Remover{"bunx", "bun remove"},
                               Remover{"deno", "deno remove"},   Remover{"pip", "pip uninstall"},
                               Remover{"pip3", "pip3 uninstall"}};

/// By the program that was run; where a script or make started it, by the profile.
std::string remover(const ExplainedRun& run) {
  const std::string program = run.command.empty() ? "" : base::file_name(run.command.front());
  for (const std::string& name : {program, run.profile}) {
    for (const Remover& known : kRemovers) {
      if (known.program == name) return std::string(known.words);
    }
  }
  return "";
}

/// As npm and PyPI let packages be named, so that it can be nothing but one word of a command.
bool is_package_name(const std::string& name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@/._-";
  return !name.empty() && name.front() != '-' &&
         name.find_first_not_of(kAllowed) == std::string::npos;
}

/// The dependency of the project's own that brought it in; "" if it is one itself, or unknown.
std::string brought_by(const json::object& event, const std::string& package) {
  const json::object* details = events::object_member(event, "details");
  if (details == nullptr) return "";
  const std::vector<std::string> path = base::string_list(*details, "dependency_path");
  return path.size() > 2 && path[1] != package ? path[1] : "";
}

}  // namespace

RemovalAdvice removal_advice(const json::object& event, const ExplainedRun& run) {
  const auto actor = events::actor_of(event);
  const bool is_alert = events::text_member(event, "severity") == name_of(events::Severity::alert);
  const bool is_package =
      actor && (actor->kind == Actor::Kind::script || actor->kind == Actor::Kind::build);
  if (!is_alert || !is_package || actor->package.empty()) return {};
  RemovalAdvice advice;
  const std::string direct = brought_by(event, actor->package);
  advice.words = "Remove " + events::shown(actor->package) +
                 (direct.empty() ? "" : ", which " + events::shown(direct) + " brought in") +
                 ", and discard what the run holds. Then look at what else you have from its "
                 "author, and tell the registry.";
  if (!run.id.empty()) advice.commands.push_back("sandbox-run discard " + run.id);
  const std::string package = direct.empty() ? actor->package : direct;
  const std::string words = remover(run);
  if (!words.empty() && is_package_name(package)) {
    advice.commands.push_back("sandbox-run " + words + " " + package);
  }
  return advice;
}

}  // namespace sandbox_run::cli
