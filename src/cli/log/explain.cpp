// One function for each kind of event: rule, layer, the narrowest way to allow it, what that costs.

#include "cli/log/explain.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "cli/log/explain_network.h"
#include "cli/log/explain_parts.h"
#include "events/words.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;
using events::shown;
using events::text_member;

// ── files ───────────────────────────────────────────────────────────────────────────────────────

/// The path as a glob that matches nothing else.
std::optional<std::string> exact_glob(const std::string& path) {
  if (path.find_first_of("*?[]") != std::string::npos) return std::nullopt;
  return toml_string(path);
}

Explanation explain_shadowed(const json::object& event, const ExplainedRun&) {
  const std::string path = detail(event, "path");
  return {
      "The system has a program of that name, and a package has put its own before it in PATH.",
      "The supervisor: " + shown(path) + " was as if it were not there, so that the system's ran.",
      "",
      {},
      "Nothing allows it: every later script would run the package's in its place, yours too. To "
      "run it, call it by another name."};
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
  return {"No install needs it: " + shown(detail(event, "what")) + ".",
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
      "Every install script of every package can then read its value. If it is a registry's token, "
      "let it be one that can only read.";
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
          number_detail(event, "used", 0) == 0
              ? "This bound is not configurable: a run that needs more is no install. What was "
                "left out "
                "is all of whoever is named here."
              : "The run was ended for it. [limits] in config.toml has the bounds: "
                "sandbox-run.toml(5)."};
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
    {"program.shadowed", explain_shadowed},
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
