// Names in these lines were chosen by packages: none may look like a line of ours, nor like a
// command that does more than it seems to.

#include "cli/summary_acts.h"

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
#include "cli/exit_code.h"
#include "events/words.h"
#include "policy/egress.h"
#include "policy/host_pattern.h"
#include "policy/recipe.h"

namespace sandbox_run::cli {
namespace {

using base::printable;
using events::Actor;
using events::Event;
using Tone = Paragraph::Tone;

constexpr std::size_t kLongestCommand = 200;
constexpr std::size_t kLongestWord = 60;
constexpr std::size_t kPathsNamed = 2;

/// A name that somebody inside chose: with anything but plain characters in it, in quotes.
std::string name_words(const std::string& name) { return in_one_piece(base::typable(name)); }

std::string actor_words(const Actor& actor) { return in_one_piece(events::to_words(actor)); }

std::string for_whom(const Actor& actor) {
  return actor.kind == Actor::Kind::unknown ? "" : ", for " + actor_words(actor);
}

// ── blocked ─────────────────────────────────────────────────────────────────────────────────────

/// The command as it can be typed again, with the options that it had and one more; "…" for a long
/// one, or one with a script in a word (sh -c).
std::vector<std::string> command_with(const SummaryFacts& facts, const std::string& option,
                                      const std::string& value) {
  std::vector<std::string> words{"sandbox-run", option, base::typable(value)};
  for (const std::string& word : facts.options) words.push_back(base::typable(word));
  std::vector<std::string> command;
  for (const std::string& word : facts.command) command.push_back(base::typable(word));
  const bool has_script = std::any_of(command.begin(), command.end(), [](const std::string& word) {
    return word.size() > kLongestWord;
  });
  if (has_script || base::join(command, " ").size() > kLongestCommand) command = {"…"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

/// What stole a false credential is not let out by a word.
bool opened_a_decoy(const SummaryFacts& facts, const Actor& actor) {
  return std::any_of(facts.alerts.begin(), facts.alerts.end(), [&](const Event& alert) {
    return alert.type.starts_with("decoy.") && alert.actor == actor;
  });
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
std::string recipe_for(const SummaryFacts& facts, const broker::DeniedHost& denied) {
  const auto& registries = facts.registry_hosts;
  const bool is_registry =
      std::find(registries.begin(), registries.end(), denied.host) != registries.end();
  return policy::recipe_for(denied.host, broker::requester_of(denied.actor), is_registry);
}

/// A registry's own rule reaches private addresses; everybody else needs one that says so.
void allow_private(const SummaryFacts& facts, const broker::DeniedHost& denied, Paragraph& act) {
  act.text += "; it has a private address, which config.toml can allow:";
  act.verbatim = {base::format("[[profile.{}.egress]]", facts.profile),
                  base::format("host = \"{}\"", printable(denied.host)),
                  base::format("ports = [{}]", denied.port), "private = true"};
}

Paragraph blocked_act(const SummaryFacts& facts, const broker::DeniedHost& denied) {
  Paragraph act{"blocked", Tone::warning, name_words(denied.host) + for_whom(denied.actor)};
  const auto pattern = host_pattern(denied.host);
  if (!pattern || pattern->is_wildcard()) {
    act.text += "; that is not the name of a host";
  } else if (pattern->is_address() && !may_ever_connect(denied.host)) {
    act.text += "; no rule can allow that address";
  } else if (opened_a_decoy(facts, denied.actor)) {
    act.text += ", which opened a decoy; remove that package";
  } else if (denied.cure == broker::DeniedHost::Cure::none) {
    act.text +=
        "; no rule can allow it, as only TCP that says which host it is for gets out "
        "(git: https, not ssh)";
  } else if (denied.cure == broker::DeniedHost::Cure::private_host) {
    allow_private(facts, denied, act);
  } else {
    const std::string recipe = recipe_for(facts, denied);
    act.text += "; to allow it";
    act.command = recipe.empty() ? command_with(facts, "--allow-host", pattern->text())
                                 : command_with(facts, "--allow-recipe", recipe);
  }
  return act;
}

// ── held ────────────────────────────────────────────────────────────────────────────────────────

std::string held_path(const SummaryFacts& facts, const workspace::HeldChange& held) {
  const bool one_target =
      std::all_of(facts.commit.held.begin(), facts.commit.held.end(),
                  [&](const workspace::HeldChange& other) { return other.target == held.target; });
  return one_target ? held.change.path : base::join_path(held.target, held.change.path);
}

bool has_alert(const SummaryFacts& facts, const workspace::HeldChange& held) {
  return std::any_of(facts.alerts.begin(), facts.alerts.end(), [&](const Event& alert) {
    return alert.type == "change.protected" &&
           base::string_member(alert.details, "path") == held.change.path &&
           base::string_member(alert.details, "target") == held.target;
  });
}

/// Those that are held for one reason share a line.
struct HeldGroup {
  std::string reason;
  std::vector<std::string> paths;
  std::size_t count = 0;
};

std::vector<HeldGroup> held_groups(const SummaryFacts& facts) {
  std::vector<HeldGroup> groups;
  for (const workspace::HeldChange& held : facts.commit.held) {
    // What an alert names is not named again; with --review everything is held.
    const bool stands_out = held.verdict == policy::Verdict::protect;
    if (has_alert(facts, held) || (facts.changes == Changes::review && !stands_out)) continue;
    const std::string reason = stands_out && held.reason.empty() ? "protected"
                               : stands_out                      ? "protected: " + held.reason
                                                                 : held.reason;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const HeldGroup& known) { return known.reason == reason; });
    if (group == groups.end()) group = groups.insert(groups.end(), HeldGroup{reason, {}, 0});
    if (++group->count <= kPathsNamed) group->paths.push_back(held_path(facts, held));
  }
  // Protected places matter more than twenty odd files.
  std::stable_partition(groups.begin(), groups.end(), [](const HeldGroup& group) {
    return group.reason.starts_with("protected");
  });
  return groups;
}

/// A job in CI ends with what to change in its configuration: nobody can review there.
Paragraph held_act(const HeldGroup& group, int exit_code) {
  std::vector<std::string> names;
  for (const std::string& path : group.paths) names.push_back(name_words(path));
  std::string text = base::join(names, ", ");
  if (group.count > names.size()) text += base::format(" and {} more", group.count - names.size());
  if (!group.reason.empty()) text += " (" + printable(group.reason) + ")";
  Paragraph act{"held", Tone::warning, text};
  if (exit_code != kAlert) act.command = {"sandbox-run", "review"};
  return act;
}

// ── alerts ──────────────────────────────────────────────────────────────────────────────────────

/// "app › qr-tools › easy-qr-gen": why the package is here; "" if that is not known.
std::string dependency_words(const Event& alert) {
  return printable(base::join(base::string_list(alert.details, "dependency_path"), " › "));
}

/// Who it was, if the log leaves no choice. That a protected change is the package manager's own is
/// what is left where no script was seen.
std::string who(const Event& alert) {
  const bool is_manager = alert.actor && alert.actor->kind == Actor::Kind::package_manager;
  const bool is_named = alert.actor && !(is_manager && alert.type == "change.protected");
  std::string words = is_named ? actor_words(*alert.actor) : std::string();
  if (const std::string why = dependency_words(alert); !why.empty()) {
    words += (words.empty() ? "" : " ") + in_one_piece("(" + why + ")");
  }
  return words;
}

/// The event as JSON, with what packages have named as one word each.
base::json::object shown_event(const SummaryFacts& facts, const Event& alert) {
  base::json::object details = alert.details;
  for (const char* key : {"path", "name", "host", "destination", "decoy"}) {
    if (auto value = base::string_member(details, key)) {
      const bool at_home = !facts.home.empty() && base::is_beneath(*value, facts.home);
      details[key] = at_home ? "~/" + base::typable(base::relative_to(*value, facts.home))
                             : base::typable(*value);
    }
  }
  return {{"type", alert.type}, {"details", std::move(details)}};
}

bool share_a_line(const Event& one, const Event& other) {
  return one.type == other.type && one.actor == other.actor;
}

std::string act_words(const SummaryFacts& facts, const Event& alert) {
  const std::string actor = who(alert);
  std::string words = events::what_happened(shown_event(facts, alert));
  return actor.empty() ? words : actor + ": " + words;
}

}  // namespace

std::string alert_words(const SummaryFacts& facts, const Event& alert) {
  return plain(act_words(facts, alert));
}

std::vector<Paragraph> alert_acts(const SummaryFacts& facts) {
  std::vector<const Event*> alerts;
  for (const Event& alert : facts.alerts) alerts.push_back(&alert);
  // explain without a number begins with the same one.
  std::stable_sort(alerts.begin(), alerts.end(), [](const Event* a, const Event* b) {
    return events::gravity(a->type) > events::gravity(b->type);
  });
  std::vector<Paragraph> acts;
  std::vector<const Event*> told;
  std::vector<std::size_t> more;
  for (const Event* alert : alerts) {
    const auto same = std::find_if(
        told.begin(), told.end(), [&](const Event* known) { return share_a_line(*known, *alert); });
    if (same != told.end()) {
      ++more.at(static_cast<std::size_t>(same - told.begin()));
      continue;
    }
    told.push_back(alert);
    more.push_back(0);
  }
  for (std::size_t i = 0; i < told.size(); ++i) {
    Paragraph act{"ALERT", Tone::alert, act_words(facts, *told[i])};
    if (more[i] > 0) act.text += base::format(", and {} more of this kind", more[i]);
    act.command = i == 0 ? std::vector<std::string>{"sandbox-run", "explain"}
                         : std::vector<std::string>{"sandbox-run", "log", "--alerts"};
    acts.push_back(std::move(act));
  }
  if (facts.alert_count > facts.alerts.size()) {
    acts.push_back({"ALERT",
                    Tone::alert,
                    base::format("and {} more", facts.alert_count - facts.alerts.size()),
                    {"sandbox-run", "log", "--alerts"}});
  }
  return acts;
}

std::vector<Paragraph> other_acts(const SummaryFacts& facts) {
  std::vector<Paragraph> acts;
  for (const broker::DeniedHost& denied : facts.network.hosts_denied) {
    acts.push_back(blocked_act(facts, denied));
  }
  for (const HeldGroup& group : held_groups(facts)) {
    acts.push_back(held_act(group, facts.exit_code));
  }
  const bool all_alike = acts.empty() && !facts.commit.held.empty() && facts.alerts.empty();
  if (facts.changes == Changes::review && all_alike) {
    acts.push_back(
        {"held", Tone::plain, "all changes are held (--review)", {"sandbox-run", "review"}});
  }
  for (const broker::FailedHost& failed : facts.network.hosts_failed) {
    acts.push_back({"not reached", Tone::plain,
                    name_words(failed.host) + " (" + printable(failed.reason) + ")"});
  }
  return acts;
}

}  // namespace sandbox_run::cli
