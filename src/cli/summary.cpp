// The few lines at the end of a run. Names in it were chosen by packages: none may look like a line
// of ours, nor like a command that does more than it seems to.

#include "cli/summary.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "base/json.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "broker/admission.h"
#include "cli/alert_words.h"
#include "cli/exit_code.h"
#include "policy/egress.h"
#include "policy/host_pattern.h"
#include "policy/recipe.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;
using base::printable;

constexpr std::size_t kMaxLines = 20;
constexpr std::size_t kMaxJsonEntries = 1000;
constexpr std::size_t kRootsNamed = 3;
constexpr std::size_t kLongestCommand = 80;
constexpr int kLastSignal = 64;
constexpr std::string_view kPrefix = "sandbox-run: ";

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return base::format("{} {}", count, count == 1 ? one : many);
}

std::string committed_to(const std::vector<std::string>& roots) {
  std::vector<std::string> named;
  for (const std::string& root : roots) {
    if (named.size() == kRootsNamed) break;
    named.push_back(printable(root));
  }
  if (named.empty()) return "";
  std::string text = " to " + base::join(named, ", ");
  if (roots.size() > named.size())
    text += base::format(" and {} more", roots.size() - named.size());
  return text;
}

std::string committed_words(const SummaryFacts& facts) {
  const workspace::CommitSummary& commit = facts.commit;
  if (facts.changes == Changes::discard) {
    return facts.discarded == 0
               ? "no changes (--discard keeps none)"
               : counted(facts.discarded, "change", "changes") + " thrown away (--discard)";
  }
  if (!facts.committed) {
    if (facts.held_for_alert) return "nothing committed (an alert was raised)";
    if (facts.time_limit) {
      return "nothing committed (the time limit ended the command); keep such changes with "
             "--commit-on-failure";
    }
    if (facts.command_exit_code > kSignalBase &&
        facts.command_exit_code <= kSignalBase + kLastSignal) {
      return base::format(
          "nothing committed (the command was ended by signal {}); keep such changes with "
          "--commit-on-failure",
          facts.command_exit_code - kSignalBase);
    }
    if (facts.command_exit_code != 0) {
      return base::format(
          "nothing committed (the command failed with exit code {}); keep such changes with "
          "--commit-on-failure",
          facts.command_exit_code);
    }
    return "nothing committed";
  }
  if (commit.committed_packages > 0) {
    return counted(commit.committed_packages, "package's files", "packages' files") + " committed" +
           committed_to(commit.committed_roots);
  }
  if (commit.committed_entries > 0) {
    return counted(commit.committed_entries, "change", "changes") + " committed" +
           committed_to(commit.committed_roots);
  }
  if (commit.held.empty()) return "no changes";
  return facts.changes == Changes::review ? "nothing committed yet (--review)"
                                          : "nothing committed";
}

std::string blocked_words(const SummaryFacts& facts) {
  std::vector<std::string> parts;
  const std::size_t hosts = facts.network.hosts_denied.size();
  if (hosts > 0) parts.push_back(counted(hosts, "host", "hosts") + " blocked");
  const std::size_t held = facts.commit.held.size();
  if (held > 0) parts.push_back(counted(held, "change", "changes") + " held");
  if (facts.commit.stripped > 0) {
    parts.push_back(counted(facts.commit.stripped, "file or mode", "files or modes") + " left out");
  }
  return parts.empty() ? "nothing blocked" : base::join(parts, " · ");
}

std::uint64_t alert_count(const SummaryFacts& facts) {
  return std::max<std::uint64_t>(facts.alert_count, facts.alerts.size());
}

std::string first_line(const SummaryFacts& facts) {
  const std::uint64_t scripts = facts.watch.scripts;
  const std::size_t hosts = facts.network.hosts_contacted.size();
  std::vector<std::string> parts = {
      committed_words(facts),
      (scripts == 0 ? "no scripts" : counted(scripts, "script", "scripts")) + " ran",
      (hosts == 0 ? "no host" : counted(hosts, "host", "hosts")) + " contacted",
      blocked_words(facts)};
  if (const std::uint64_t alerts = alert_count(facts); alerts > 0) {
    parts.insert(parts.begin(), counted(alerts, "ALERT", "ALERTS"));
  }
  // A missing variable is a common reason for a failure; otherwise the log is the place for it.
  if (facts.withheld_environment > 0 && facts.command_exit_code != 0) {
    parts.push_back(counted(facts.withheld_environment, "variable", "variables") + " withheld");
  }
  const auto overhead = std::chrono::duration<double>(facts.overhead).count();
  if (facts.time_limit && facts.committed) parts.emplace_back("ended at the time limit");
  parts.push_back(base::format("{:.2f} s overhead", overhead));
  if (!facts.log_path.empty()) parts.push_back("log: " + printable(facts.log_path));
  return base::join(parts, " · ");
}

/// The command as it can be typed again, with the options that it had; "…" if that would be long.
std::string command_again(const SummaryFacts& facts) {
  const std::string words = printable(base::shell_words(facts.command));
  const std::string options =
      facts.options.empty() ? "" : printable(base::shell_words(facts.options)) + " ";
  return words.empty() || words.size() + options.size() > kLongestCommand ? options + "…"
                                                                          : options + words;
}

/// What stole a false credential is not let out by a word.
bool opened_a_decoy(const SummaryFacts& facts, const events::Actor& actor) {
  return std::any_of(facts.alerts.begin(), facts.alerts.end(), [&](const events::Event& alert) {
    return alert.type.starts_with("decoy.") && alert.actor == actor;
  });
}

/// A registry's own rule reaches private addresses; everybody else needs one that says so.
std::string private_rule(const SummaryFacts& facts, const broker::DeniedHost& denied) {
  return base::format(
      "is at a private address — allow with, in ~/.config/sandbox-run/config.toml: "
      "[[profile.{}.egress]] host = \"{}\" ports = [{}] private = true (one line each)",
      facts.profile, printable(denied.host), denied.port);
}

/// nullopt: not a host that a rule could name, so there is nothing to suggest.
std::optional<policy::HostPattern> host_pattern(const std::string& host) {
  try {
    return policy::HostPattern::parse(host);
  } catch (const base::UserError&) {
    return std::nullopt;
  }
}

/// The metadata service and its like: no rule can allow them, so none is suggested.
bool may_ever_connect(const std::string& address) {
  std::array<std::uint8_t, 16> bytes{};
  for (const auto& [family, size] : {std::pair{AF_INET, 4}, std::pair{AF_INET6, 16}}) {
    if (::inet_pton(family, address.c_str(), bytes.data()) != 1) continue;
    const std::span<const std::uint8_t> network_order(bytes.data(), static_cast<std::size_t>(size));
    return policy::classify_address(network_order) != policy::AddressKind::forbidden;
  }
  return false;
}

/// The recipe that would have let it through; "" if there is none.
std::string cure(const SummaryFacts& facts, const broker::DeniedHost& denied) {
  const auto& registries = facts.registry_hosts;
  const bool is_registry =
      std::find(registries.begin(), registries.end(), denied.host) != registries.end();
  return policy::recipe_for(denied.host, broker::requester_of(denied.actor), is_registry);
}

std::string blocked_line(const SummaryFacts& facts, const broker::DeniedHost& denied) {
  const std::string& host = denied.host;
  const bool known = denied.actor.kind != events::Actor::Kind::unknown;
  const std::string blocked = "blocked: " + printable(host) +
                              (known ? " for " + events::to_words(denied.actor) : std::string());
  const auto pattern = host_pattern(host);
  if (!pattern || pattern->is_wildcard()) return blocked + " (looked up)";
  if (pattern->is_address() && !may_ever_connect(host)) {
    return blocked + " (connection), an address that nothing can allow";
  }
  if (opened_a_decoy(facts, denied.actor)) {
    return blocked + ", which opened a decoy: remove that package";
  }
  if (denied.cure == broker::DeniedHost::Cure::none) {
    return blocked +
           " (connection), which nothing can allow: only TCP that says which host it is "
           "for gets out (git: by https, not ssh)";
  }
  if (denied.cure == broker::DeniedHost::Cure::private_host) {
    return blocked + ", which " + private_rule(facts, denied);
  }
  const std::string recipe = cure(facts, denied);
  return base::format("{} ({}) — allow with: sandbox-run {} {}", blocked,
                      pattern->is_address() ? "connection" : "looked up",
                      recipe.empty() ? "--allow-host " + base::shell_words({pattern->text()})
                                     : "--allow-recipe " + recipe,
                      command_again(facts));
}

std::string held_path(const SummaryFacts& facts, const workspace::HeldChange& held) {
  const bool one_target =
      std::all_of(facts.commit.held.begin(), facts.commit.held.end(),
                  [&](const workspace::HeldChange& other) { return other.target == held.target; });
  return printable(one_target ? held.change.path : base::join_path(held.target, held.change.path));
}

/// "app › qr-tools › easy-qr-gen": why the package is here; "" if that is not known.
std::string dependency_words(const events::Event& alert) {
  return printable(base::join(base::string_list(alert.details, "dependency_path"), " › "));
}

/// " by evil@1.2.3 postinstall (app › evil)"; "" if it is nobody's.
std::string who(const events::Event& alert) {
  std::string words = alert.actor ? " by " + events::to_words(*alert.actor) : std::string();
  if (const std::string why = dependency_words(alert); !why.empty()) words += " (" + why + ")";
  return words;
}

/// Who made a protected change, if the log leaves no choice.
std::string planter(const SummaryFacts& facts, const workspace::HeldChange& held) {
  for (const events::Event& alert : facts.alerts) {
    const bool is_it = alert.type == "change.protected" && alert.actor &&
                       alert.actor->kind != events::Actor::Kind::package_manager &&
                       base::string_member(alert.details, "path") == held.change.path &&
                       base::string_member(alert.details, "target") == held.target;
    if (is_it) return who(alert);
  }
  return "";
}

std::string held_line(const SummaryFacts& facts, const workspace::HeldChange& held) {
  std::string reason = printable(held.reason);
  if (held.verdict == policy::Verdict::protect) {
    reason = reason.empty() ? "protected" : "protected: " + reason;
  }
  return "held: " + held_path(facts, held) + planter(facts, held) +
         (reason.empty() ? "" : " (" + reason + ")");
}

std::string alert_line(const events::Event& alert) {
  std::string line = "ALERT: " + printable(alert.type) + who(alert);
  for (const char* key : {"act", "path", "name", "host", "destination", "reason"}) {
    const auto value = base::string_member(alert.details, key);
    if (value) line += std::string(" · ") + printable(*value);
  }
  return line;
}

/// Protected changes first: they matter more than twenty odd files.
std::vector<workspace::HeldChange> protected_first(std::vector<workspace::HeldChange> held) {
  std::stable_partition(held.begin(), held.end(), [](const workspace::HeldChange& change) {
    return change.verdict == policy::Verdict::protect;
  });
  return held;
}

std::vector<std::string> detail_lines(const SummaryFacts& facts) {
  std::vector<std::string> lines;
  for (const events::Event& alert : facts.alerts) {
    // A protected change stands below as what is held.
    if (alert.type != "change.protected") lines.push_back(alert_line(alert));
  }
  for (const broker::DeniedHost& denied : facts.network.hosts_denied) {
    lines.push_back(blocked_line(facts, denied));
  }
  for (const broker::FailedHost& failed : facts.network.hosts_failed) {
    lines.push_back("not reached: " + printable(failed.host) + " (" + printable(failed.reason) +
                    ")");
  }
  for (const workspace::HeldChange& held : protected_first(facts.commit.held)) {
    // With --review everything is held; only what stands out is worth a line.
    if (facts.changes == Changes::review && held.verdict != policy::Verdict::protect) break;
    lines.push_back(held_line(facts, held));
  }
  return lines;
}

json::array bounded_list(const std::vector<std::string>& strings) {
  json::array list;
  for (const std::string& text : strings) {
    if (list.size() == kMaxJsonEntries) break;
    list.emplace_back(printable(text));
  }
  return list;
}

json::array denied_list(const std::vector<broker::DeniedHost>& denied) {
  std::vector<std::string> hosts;
  hosts.reserve(denied.size());
  for (const broker::DeniedHost& host : denied) hosts.push_back(host.host);
  return bounded_list(hosts);
}

json::array failed_list(const std::vector<broker::FailedHost>& failed) {
  std::vector<std::string> hosts;
  hosts.reserve(failed.size());
  for (const broker::FailedHost& host : failed) hosts.push_back(host.host);
  return bounded_list(hosts);
}

json::array held_list(const std::vector<workspace::HeldChange>& changes) {
  json::array list;
  for (const workspace::HeldChange& held : changes) {
    if (list.size() == kMaxJsonEntries) break;
    list.push_back(json::object{{"target", printable(held.target)},
                                {"path", printable(held.change.path)},
                                {"protected", held.verdict == policy::Verdict::protect},
                                {"reason", printable(held.reason)}});
  }
  return list;
}

json::array alert_list(const std::vector<events::Event>& alerts) {
  json::array list;
  for (const events::Event& alert : alerts) {
    json::object entry{{"type", printable(alert.type)}, {"words", alert_line(alert)}};
    if (alert.actor) entry["actor"] = events::to_words(*alert.actor);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

std::string summary_text(const SummaryFacts& facts) {
  std::string text = std::string(kPrefix) + first_line(facts) + "\n";
  const std::vector<std::string> lines = detail_lines(facts);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i == kMaxLines) {
      const bool only_held = lines.size() - i <= facts.commit.held.size();
      text += base::format("{}… and {} more: sandbox-run {}\n", kPrefix, lines.size() - i,
                           only_held ? "review" : "log");
      break;
    }
    text += std::string(kPrefix) + lines[i] + "\n";
  }
  const bool fails = facts.exit_code == kAlert;
  if (fails) {
    for (const std::string& line :
         alert_exit_words(facts.alerts, facts.profile, facts.fails_by_ci)) {
      text += std::string(kPrefix) + line + "\n";
    }
  }
  if (!facts.commit.held.empty() && !fails) {
    text += std::string(kPrefix) +
            "held changes — look: sandbox-run review; decide one by one: sandbox-run review -i; "
            "take over: sandbox-run commit; throw away: sandbox-run discard\n";
  }
  for (const std::string& hint : facts.hints) {
    text += std::string(kPrefix) + "note: " + printable(hint) + "\n";
  }
  return text;
}

std::string summary_json(const SummaryFacts& facts) {
  const workspace::CommitSummary& commit = facts.commit;
  json::object summary;
  summary["run"] = printable(facts.run_id);
  summary["profile"] = printable(facts.profile);
  summary["command"] = bounded_list(facts.command);
  summary["exit_code"] = facts.exit_code;
  summary["command_exit_code"] = facts.command_exit_code;
  summary["time_limit"] = facts.time_limit;
  summary["committed"] = json::object{{"done", facts.committed},
                                      {"packages", commit.committed_packages},
                                      {"entries", commit.committed_entries},
                                      {"roots", bounded_list(commit.committed_roots)}};
  summary["held"] = held_list(commit.held);
  summary["held_count"] = commit.held.size();
  summary["discarded"] = facts.discarded;
  summary["stripped"] = commit.stripped;
  summary["execs"] = facts.watch.execs;
  summary["scripts"] = facts.watch.scripts;
  summary["hosts_contacted"] = bounded_list(facts.network.hosts_contacted);
  summary["hosts_blocked"] = denied_list(facts.network.hosts_denied);
  summary["hosts_not_reached"] = failed_list(facts.network.hosts_failed);
  summary["flows"] = facts.network.flows;
  summary["bytes_down"] = facts.network.bytes_down;
  summary["bytes_up"] = facts.network.bytes_up;
  summary["withheld_environment"] = facts.withheld_environment;
  summary["alerts"] = alert_list(facts.alerts);
  summary["alert_count"] = alert_count(facts);
  summary["overhead_us"] =
      std::chrono::duration_cast<std::chrono::microseconds>(facts.overhead).count();
  summary["log"] = printable(facts.log_path);
  summary["log_sha256"] = facts.log_sha256;
  summary["notes"] = bounded_list(facts.hints);
  return base::to_json(summary) + "\n";
}

}  // namespace sandbox_run::cli
