// One function for each kind of event: rule, layer, the narrowest way to allow it, what that costs.

#include "cli/log/explain.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/format.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "events/words.h"
#include "policy/egress.h"
#include "policy/recipe.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;
using events::object_member;
using events::shown;
using events::text_member;

constexpr std::uint64_t kHttps = 443;

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

/// A string as TOML, if it is one that the log did not have to change.
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

/// The same command with one option more.
std::string once_with(const ExplainedRun& run, const std::vector<std::string>& options) {
  std::vector<std::string> words{"sandbox-run"};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), run.command.begin(), run.command.end());
  return shown(base::shell_words(words));
}

// ── network ─────────────────────────────────────────────────────────────────────────────────────

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
  allow_host(result, event, run, detail(event, "name"), kHttps);
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
  allow_host(result, event, run, host, number_detail(event, "port", kHttps));
  return result;
}

// ── files ───────────────────────────────────────────────────────────────────────────────────────

/// The path as a glob that matches nothing else.
std::optional<std::string> exact_glob(const std::string& path) {
  if (path.find_first_of("*?[]") != std::string::npos) return std::nullopt;
  return toml_string(path);
}

Explanation explain_held(const json::object& event, const ExplainedRun& run) {
  const std::string path = detail(event, "path");
  const bool is_protected = text_member(event, "type") == "change.protected";
  Explanation result;
  result.rule =
      (is_protected ? "The profile protects this place: " : "The profile's rules hold it: ") +
      shown(detail(event, "reason")) + ".";
  result.layer =
      "The transaction: the change lies in the run's own layer, and is not in the project. It "
      "waits "
      "for sandbox-run review.";
  if (path.empty()) return result;
  result.once = shown(base::shell_words({"sandbox-run", "commit", run.id, path}));
  if (const auto glob = exact_glob(path)) {
    result.config = {table(run, "rule"), "verdict = \"commit\"", "paths = [" + *glob + "]"};
  }
  result.why_not = is_protected ? "What lies there is run or trusted by other tools later, outside "
                                  "any sandbox: it is where "
                                  "a package plants what is to stay. Read the change (sandbox-run "
                                  "review) before you commit "
                                  "it, and commit it once rather than by a rule."
                                : "A rule commits every later change of it unseen, by whichever "
                                  "package. Once is enough "
                                  "for what is installed once.";
  return result;
}

Explanation explain_stripped(const json::object& event, const ExplainedRun&) {
  return {"No install has use for it: " + shown(detail(event, "what")) + ".",
          "The transaction: the rest of the change was committed without it.",
          "",
          {},
          "Nothing allows it: such bits and files are how a package would gain rights. If you want "
          "it, make it yourself, after a look (chmod u+s, say)."};
}

// ── the rest ────────────────────────────────────────────────────────────────────────────────────

Explanation explain_withheld(const json::object& event, const ExplainedRun& run) {
  const std::string name = detail(event, "name");
  Explanation result;
  result.rule = "No list of the profile names the variable " + shown(name) + ".";
  result.layer = "The environment: it is made anew, and this variable is not in it.";
  if (!toml_string(name) || name.find_first_of("=*?[") != std::string::npos) return result;
  result.once = once_with(run, {"--allow-env", name});
  result.config = {table(run, ""), "allow_environment = [\"" + name + "\"]"};
  result.why_not =
      "Every install script of every package can then read its value. A token for a registry is "
      "better one that can only read.";
  return result;
}

Explanation explain_decoy(const json::object& event, const ExplainedRun& run) {
  Explanation result;
  const std::string path = detail(event, "path");
  const bool leaked = text_member(event, "type") == "decoy.leaked";
  result.rule = leaked
                    ? shown(detail(event, "reason")) + "."
                    : "The file is a decoy: what it holds is made up for this run, and yours was "
                      "never in the sandbox.";
  result.layer =
      "Decoys in the sandbox's home directory, watched by the supervisor. Nothing of "
      "yours was read.";
  if (!leaked && path.starts_with('/') && toml_string(path)) {
    result.once = once_with(run, {"--ro", path});
    result.config = {table(run, ""), "read_only = [" + *toml_string(path) + "]"};
  }
  result.why_not =
      leaked ? "There is nothing to allow: a value that exists nowhere else was on its way out. Do "
               "not "
               "install this version; tell its registry; look at what else its author publishes."
             : "The lines show every script the real file. Few installs need it: find out what the "
               "program wanted before you do.";
  return result;
}

Explanation explain_behaviour(const json::object& event, const ExplainedRun& run) {
  return {
      shown(detail(event, "reason")) + ".",
      "The behaviour lock: what a package's scripts do is compared with sandbox-run.lock, as it "
      "was before the run. sandbox-run lock diff " +
          run.id + " shows all that differs.",
      "sandbox-run lock update " + run.id,
      {},
      "The lock is there to make you look: read what is new first, and what changed in the "
      "package between the two versions."};
}

Explanation explain_missing(const json::object& event, const ExplainedRun&) {
  return {
      shown(detail(event, "protection")) + " is not there: " + shown(detail(event, "reason")) + ".",
      "None: this run went without it. The other layers held.",
      "",
      {},
      "A newer kernel, or one with it switched on, brings it back."};
}

Explanation explain_limit(const json::object& event, const ExplainedRun&) {
  return {"A bound on " + shown(detail(event, "limit")) + " was reached.",
          "The supervisor: what a package can drive up is bounded, so that it can't exhaust this "
          "machine or bury an event.",
          "",
          {},
          "Bounds are not configurable. A run that needs more than this is no install. Of what was "
          "left out, whoever is named here did all."};
}

Explanation explain_cache(const json::object& event, const ExplainedRun&) {
  return {shown(detail(event, "reason")) + ".",
          "The transaction: the package manager's cache is as it was before the run.",
          "",
          {},
          "Nothing is lost: the next run fetches what is missing again."};
}

Explanation explain_home(const json::object& event, const ExplainedRun& run) {
  const std::string path = detail(event, "path");
  Explanation result;
  result.rule =
      "The home directory inside is an empty one, made for this run and discarded with it.";
  result.layer = "The sandbox's own mounts: yours was never in reach.";
  if (path.starts_with('/') && toml_string(path) && path.find("/.cache/") != std::string::npos) {
    result.once = once_with(run, {"--rw", path});
    result.config = {table(run, ""), "read_write = [" + *toml_string(path) + "]"};
  }
  result.why_not =
      "Whatever scripts write there stays, and is run or read later, outside the sandbox.";
  return result;
}

using Explain = Explanation (*)(const json::object&, const ExplainedRun&);
constexpr std::pair<std::string_view, Explain> kExplanations[] = {
    {"name.lookup", explain_lookup},
    {"flow.denied", explain_denied_flow},
    {"packet.denied", explain_denied_packet},
    {"flow.failed", explain_failed_flow},
    {"change.held", explain_held},
    {"change.protected", explain_held},
    {"change.stripped", explain_stripped},
    {"env.withheld", explain_withheld},
    {"decoy.opened", explain_decoy},
    {"decoy.leaked", explain_decoy},
    {"behaviour.new", explain_behaviour},
    {"protection.missing", explain_missing},
    {"limit.reached", explain_limit},
    {"home.discarded", explain_home},
    {"cache.kept_out", explain_cache}};

}  // namespace

Explanation explain(const json::object& event, const ExplainedRun& run) {
  const std::string type = text_member(event, "type");
  for (const auto& [name, function] : kExplanations) {
    if (name == type) return function(event, run);
  }
  return {"None: nothing was refused. The event says what was done, and by whom.", "", "", {}, ""};
}

}  // namespace sandbox_run::cli
