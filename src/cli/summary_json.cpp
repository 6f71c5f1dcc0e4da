// The summary for programs.

#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "cli/summary.h"
#include "cli/summary_acts.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;
using base::printable;

constexpr std::size_t kMaxListed = 1000;

json::array bounded_list(const std::vector<std::string>& strings) {
  json::array list;
  for (const std::string& text : strings) {
    if (list.size() == kMaxListed) break;
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
    if (list.size() == kMaxListed) break;
    list.push_back(json::object{{"target", printable(held.target)},
                                {"path", printable(held.change.path)},
                                {"protected", held.verdict == policy::Verdict::protect},
                                {"reason", printable(held.reason)}});
  }
  return list;
}

json::array alert_list(const SummaryFacts& facts) {
  json::array list;
  for (const events::Event& alert : facts.alerts) {
    json::object entry{{"type", printable(alert.type)}, {"words", alert_words(facts, alert)}};
    if (alert.actor) entry["actor"] = events::to_words(*alert.actor);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

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
  summary["alerts"] = alert_list(facts);
  summary["alert_count"] = alert_count(facts);
  summary["overhead_us"] =
      std::chrono::duration_cast<std::chrono::microseconds>(facts.overhead).count();
  summary["log"] = printable(facts.log_path);
  summary["log_sha256"] = facts.log_sha256;
  std::vector<std::string> notes = facts.hints;
  notes.insert(notes.end(), facts.warnings.begin(), facts.warnings.end());
  summary["notes"] = bounded_list(notes);
  return base::to_json(summary) + "\n";
}

}  // namespace sandbox_run::cli
