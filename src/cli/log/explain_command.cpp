#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>

#include "base/format.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/log/explain.h"
#include "cli/log/log_command.h"
#include "cli/log/log_reader.h"
#include "cli/log/remove_package.h"
#include "cli/state.h"
#include "events/words.h"
#include "plan/host_facts.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;

constexpr std::size_t kTextWidth = 76;

/// Lines of at most kTextWidth columns, indented; words are not broken.
std::string wrapped(const std::string& text, const std::string& indent) {
  std::string out;
  std::string line;
  for (const std::string& word : base::split(text, ' ')) {
    if (!line.empty() && line.size() + 1 + word.size() > kTextWidth) {
      out += indent + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? out : out + indent + line + "\n";
}

/// An event that says that something was refused, or out of the ordinary: the gravest one, the
/// first of several alike; or the last. Or any one, by its number.
struct WantedEvent {
  enum class Choice { gravest, last, number } choice = Choice::gravest;
  std::uint64_t number = 0;

  /// Is `event` rather meant than the one that was found before?
  bool is(const json::object& event, const std::optional<json::object>& before) const {
    if (choice == Choice::number) return base::number_member(event, "seq") == number;
    if (rank(event) == 0) return false;
    return choice == Choice::last || !before || rank(event) > rank(*before);
  }

 private:
  static int rank(const json::object& event) {
    const std::string severity = events::text_member(event, "severity");
    if (severity == name_of(events::Severity::info)) return 0;
    if (severity != name_of(events::Severity::alert)) return 1;
    return 2 + events::gravity(events::text_member(event, "type"));
  }
};

bool is_number(const std::string& word) {
  return !word.empty() && word.size() < 10 &&
         word.find_first_not_of("0123456789") == std::string::npos;
}

WantedEvent parse_wanted(std::string word) {
  using Choice = WantedEvent::Choice;
  if (word == "last") return {Choice::last, 0};
  if (word.starts_with('#')) word.erase(0, 1);
  if (is_number(word)) return {Choice::number, std::stoull(word)};
  throw base::UserError("explain: '" + base::printable(word) +
                        "' is no event: name its number in sandbox-run log, or last");
}

struct ExplainOperands {
  std::string run;
  WantedEvent wanted;
};

ExplainOperands read_operands(const std::vector<std::string>& words) {
  if (words.size() > 2) {
    throw base::UserError("explain takes a run and an event: '" + base::printable(words[2]) +
                          "' is too much");
  }
  if (words.empty()) return {};
  if (words.size() == 2) return {words[0], parse_wanted(words[1])};
  if (start_of(words[0])) return {words[0], {}};
  return {"", parse_wanted(words[0])};
}

void read_start(const json::object& event, ExplainedRun& run) {
  const json::object* details = events::object_member(event, "details");
  if (details == nullptr) return;
  run.id = events::shown(events::text_member(event, "run"));
  run.profile = events::shown(events::text_member(*details, "profile"));
  run.command = base::string_list(*details, "command");
}

/// "app › qr-tools › easy-qr-gen": why the package is there.
std::string dependency_path(const json::object& event) {
  const json::object* details = events::object_member(event, "details");
  if (details == nullptr) return "";
  return events::shown(base::join(base::string_list(*details, "dependency_path"), " › "));
}

}  // namespace

std::string explanation_text(const json::object& event, const ExplainedRun& run) {
  const Explanation explanation = explain(event, run);
  std::string text = base::format("#{}  {}: {}\n", base::number_member(event, "seq").value_or(0),
                                  events::who_did_it(event), events::what_happened(event));
  const std::string path = dependency_path(event);
  if (!path.empty()) text += "    " + path + "\n";
  const RemovalAdvice advice = removal_advice(event, run);
  if (!advice.words.empty()) text += "\nWhat to do first\n" + wrapped(advice.words, "  ");
  for (const std::string& command : advice.commands) text += "    " + command + "\n";
  text += "\nRule\n" + wrapped(explanation.rule, "  ");
  if (!explanation.layer.empty()) text += "\nLayer\n" + wrapped(explanation.layer, "  ");
  if (!explanation.once.empty()) text += "\nTo allow it once\n  " + explanation.once + "\n";
  if (!explanation.config.empty()) {
    text += "\nTo allow it always, and nothing else, in " + base::printable(run.config_file) + "\n";
    for (const std::string& line : explanation.config) {
      if (!line.empty()) text += "  " + line + "\n";
    }
  }
  if (!explanation.why_not.empty()) {
    const bool can = !explanation.once.empty() || !explanation.config.empty();
    text += (can ? "\nWhy you might not want to\n" : "\nTo allow it\n") +
            wrapped(explanation.why_not, "  ");
  }
  return text;
}

int explain_command(const Options& options, const FindRun& find_run) {
  const ExplainOperands operands = read_operands(options.operands);
  const std::string path = log_file_of(operands.run, find_run);
  std::ifstream log(path, std::ios::binary);
  if (!log) throw base::UserError("cannot read the log " + base::printable(path));
  ExplainedRun run;
  const plan::HostFacts facts = plan::look_at_caller({"true"});
  run.config_file = base::join_path(facts.config_home, "sandbox-run/config.toml");
  std::optional<json::object> found;
  for (LogLine line; read_log_line(log, line);) {
    auto event = parse_log_event(line);
    if (!event) continue;
    if (run.id.empty() && events::text_member(*event, "type") == "run.started") {
      read_start(*event, run);
    }
    if (operands.wanted.is(*event, found)) found = std::move(*event);
  }
  if (!found) {
    throw base::UserError(operands.wanted.choice == WantedEvent::Choice::number
                              ? base::format("the log has no event number {}: {}",
                                             operands.wanted.number, base::printable(path))
                              : "nothing was refused in that run: there is nothing to explain");
  }
  std::cout << explanation_text(*found, run);
  return kOk;
}

}  // namespace sandbox_run::cli
