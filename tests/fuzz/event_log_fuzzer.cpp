// libFuzzer: any bytes as a run's log, before it the link that is kept beside it. What is printed
// of it can't do anything to a terminal.
#include <sstream>

#include "cli/log/explain.h"
#include "cli/log/log_view.h"
#include "cli/log/verify.h"
#include "events/words.h"
#include "fuzz.h"

namespace {

using namespace sandbox_run;
using fuzz::require;

void check_printed(std::string text) {
  std::erase(text, '\n');
  require(!fuzz::has_control(text));
}

void check_event(const base::json::object& event) {
  require(!fuzz::has_control(events::what_happened(event)));
  require(!fuzz::has_control(events::who_did_it(event)));
  require(!fuzz::has_control(cli::follow_line(event, cli::Style(cli::Style::Colours::off))));
  const cli::ExplainedRun run{"r", "npm", {"npm", "ci"}, "/home/u/config.toml"};
  check_printed(cli::explanation_text(event, run));
  // What is to be typed is one line of words.
  require(!fuzz::has_control(cli::explain(event, run).once));
  for (const std::string& line : cli::explain(event, run).config) require(!fuzz::has_control(line));
  cli::EventFilter filter;
  filter.alerts_only = true;
  filter.actor = "a";
  (void)filter.accepts(event);
}

}  // namespace

FUZZ_TARGET(event_log, data, size) {
  const auto texts = fuzz::texts_of(data, size, 2);
  std::istringstream log(texts[1]);
  cli::LogView view{cli::Style(cli::Style::Colours::off)};
  for (cli::LogLine line; cli::read_log_line(log, line);) {
    view.add(line, {});
    if (const auto event = cli::parse_log_event(line)) check_event(*event);
  }
  std::ostringstream out;
  view.print(out);
  check_printed(out.str());

  std::istringstream again(texts[1]);
  const auto link = events::parse_link(texts[0]);
  const cli::Verification found = cli::verify_log(again, link);
  check_printed(found.words);
  if (link) {
    require(events::parse_link(events::to_json_line(*link)) == link);
    // An empty log is not the one whose end this is.
    std::istringstream nothing;
    require(cli::verify_log(nothing, link).exit_code != 0);
  }
  return 0;
}
