#include "cli/log/explain_network.h"

#include <arpa/inet.h>

#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/format.h"
#include "base/sys_error.h"
#include "cli/log/explain_parts.h"
#include "events/words.h"
#include "policy/egress.h"
#include "policy/recipe.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;
using events::shown;

std::optional<policy::HostPattern> exact_host(const std::string& host) {
  try {
    const policy::HostPattern pattern = policy::HostPattern::parse(host);
    return pattern.is_wildcard() ? std::nullopt : std::optional(pattern);
  } catch (const base::UserError&) {
    return std::nullopt;
  }
}

bool is_forbidden(const policy::HostPattern& host) {
  if (!host.is_address()) return false;
  std::array<std::uint8_t, 16> bytes{};
  for (const auto& [family, size] : {std::pair{AF_INET, 4}, std::pair{AF_INET6, 16}}) {
    if (::inet_pton(family, host.text().c_str(), bytes.data()) != 1) continue;
    return policy::classify_address(std::span(bytes.data(), static_cast<std::size_t>(size))) ==
           policy::AddressKind::forbidden;
  }
  return false;
}

/// The narrowest audience that holds the actor: that package's scripts, if it is one's.
std::string audience_of(const json::object& event) {
  const auto actor = events::actor_of(event);
  if (!actor) return "";
  switch (actor->kind) {
    case events::Actor::Kind::package_manager:
      return "package-manager";
    case events::Actor::Kind::script:
      return toml_string(actor->package) ? "package:" + actor->package : "scripts";
    case events::Actor::Kind::build:
    case events::Actor::Kind::project_script:
      return "scripts";
    case events::Actor::Kind::unknown:
      return "";
  }
  return "";
}

policy::Requester requester_of(const json::object& event) {
  const auto actor = events::actor_of(event);
  using Kind = policy::Requester::Kind;
  if (!actor) return {};
  switch (actor->kind) {
    case events::Actor::Kind::package_manager:
      return {Kind::package_manager, {}};
    case events::Actor::Kind::script:
      return {Kind::script, actor->package};
    case events::Actor::Kind::build:
      return {Kind::build, {}};
    case events::Actor::Kind::project_script:
      return {Kind::project_script, {}};
    case events::Actor::Kind::unknown:
      return {};
  }
  return {};
}

/// How to reach `host`; fills once, config, why_not.
void allow_host(Explanation& explanation, const json::object& event, const ExplainedRun& run,
                const std::string& host, std::uint64_t port) {
  // The recorder's words: no option opens a private address that a name leads to.
  const bool is_private = detail(event, "reason").find("private address") != std::string::npos &&
                          !detail(event, "name").empty();
  const auto pattern = exact_host(host);
  if (!pattern) {
    explanation.why_not = "Nothing allows it: that is not the name of a host.";
    return;
  }
  if (is_forbidden(*pattern)) {
    explanation.why_not =
        "Nothing allows it: such an address (loopback, link-local, a cloud's metadata service) "
        "gives "
        "out credentials, and no install needs it. A service of this machine: --allow-host "
        "localhost:PORT.";
    return;
  }
  const std::string name = pattern->text();
  const std::string recipe = policy::recipe_for(name, requester_of(event), false);
  if (!recipe.empty()) {
    explanation.once = once_with(run, {"--allow-recipe", recipe});
    explanation.config = {table(run, ""), "allow_recipes = [\"" + recipe + "\"]"};
  } else {
    const bool literal6 = name.find(':') != std::string::npos;
    if (!is_private)
      explanation.once = once_with(
          run, {"--allow-host", base::format("{}:{}", literal6 ? "[" + name + "]" : name, port)});
    explanation.config = {table(run, "egress"), "host = \"" + name + "\"",
                          base::format("ports = [{}]", port)};
    const std::string audience = audience_of(event);
    if (!audience.empty()) explanation.config.push_back("for = \"" + audience + "\"");
    if (is_private) explanation.config.emplace_back("private = true");
  }
  explanation.why_not =
      "Whoever may reach it can send there all that it can read: the project, and what is "
      "installed. "
      "Look at what the script fetches, and whether an option of the package makes it do without. "
      "The "
      "option is for everybody in the run; the lines are for whoever tried alone, where that is "
      "known.";
}

}  // namespace

Explanation explain_failed_flow(const json::object&, const ExplainedRun&) {
  return {
      "A rule allows it.",
      "None: the broker tried, and the host could not be reached from here. The same would have "
      "happened without a sandbox.",
      "",
      {},
      ""};
}

Explanation explain_lookup(const json::object& event, const ExplainedRun& run) {
  Explanation result;
  result.layer =
      "Egress, the name server in the sandbox: the name does not exist there. No query left this "
      "machine.";
  if (detail(event, "verdict") == "failed") return explain_failed_flow(event, run);
  if (detail(event, "verdict") != "denied") {
    result.rule = "A rule names this host, so the name was answered.";
    return result;
  }
  result.rule = "No rule lets anybody reach " + shown(detail(event, "name")) + ".";
  allow_host(result, event, run, detail(event, "name"), policy::kHttpsPort);
  return result;
}

Explanation explain_denied_packet(const json::object&, const ExplainedRun&) {
  return {"None: no rule is about packets that are neither TCP nor UDP.",
          "System calls: the seccomp filter hands such a socket(2) to the supervisor, which "
          "refuses it. "
          "The kernel would, too: nobody in the sandbox has the capability.",
          "",
          {},
          "Nothing allows it: of such packets nobody can tell for whom they are."};
}

Explanation explain_denied_flow(const json::object& event, const ExplainedRun& run) {
  Explanation result;
  result.rule = shown(detail(event, "reason"));
  result.layer =
      "Egress, the broker: the connection was closed, or refused by the sandbox's own network, and "
      "no "
      "byte of it left this machine.";
  if (detail(event, "protocol") == "udp") {
    result.why_not =
        "Nothing allows it: only TCP gets out, as of other protocols nobody can tell "
        "where they lead.";
    return result;
  }
  std::string host = detail(event, "claimed");
  if (host.empty()) host = detail(event, "name");
  if (host.empty()) host = detail(event, "destination");
  allow_host(result, event, run, host, number_detail(event, "port", policy::kHttpsPort));
  return result;
}

}  // namespace sandbox_run::cli
