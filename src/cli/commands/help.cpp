#include "cli/commands/help.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/sys_error.h"
#include "base/text.h"

namespace sandbox_run::cli {
namespace {

struct Topic {
  std::string_view name;
  std::string_view text;
};

constexpr std::array kTopics{
    Topic{"plan",
          "Usage: sandbox-run [OPTION]… plan [--timings] COMMAND [ARGUMENT]…\n\n"
          "Prints what would be done, one fact a line, and does nothing.\n\n"
          "      --timings  and how long each step of finding it out took\n"},
    Topic{"review",
          "Usage: sandbox-run review [-i | --json] [RUN] [PATH]…\n\n"
          "Shows what a run holds: each change with its difference, the reason why it is\n"
          "held, and who is suspected. Of a PATH all is shown, however long.\n\n"
          "  -i, --interactive  decide one by one, by single keys\n"
          "      --json         one JSON object on one line\n"},
    Topic{"commit",
          "Usage: sandbox-run commit [--yes] [RUN] [PATH]…\n\n"
          "Commits the held changes at or below each PATH. Without a PATH all of them, but\n"
          "for those in protected places and those of whoever raised an alert: name these,\n"
          "or confirm them with --yes.\n\n"
          "  -y, --yes  commit these, too\n"},
    Topic{"discard",
          "Usage: sandbox-run discard [RUN] [PATH]…\n\n"
          "Discards the held changes at or below each PATH; without a PATH all of them.\n"},
    Topic{"undo",
          "Usage: sandbox-run undo [RUN]\n\n"
          "Gives back the tree from before the run's commit, all of it or nothing, as long as\n"
          "what the run replaced is kept: until the next run that may change the same project,\n"
          "and for a day at most. By default the newest run here. What the run had committed\n"
          "is held from then on.\n"},
    Topic{"runs",
          "Usage: sandbox-run runs [--json]\n\n"
          "Lists past runs, the newest first: what was run, what became of it, how many\n"
          "changes it holds.\n\n"
          "      --json  one JSON object on one line\n"},
    Topic{"prune",
          "Usage: sandbox-run prune --older-than TIME [--held] [--dry-run]\n\n"
          "Removes the runs that began longer ago than TIME (14d, 12h, 30m), with their logs.\n\n"
          "      --held     also those that hold changes\n"
          "      --dry-run  only say which\n"},
    Topic{"log",
          "Usage: sandbox-run log [OPTION]… [RUN | FILE]\n\n"
          "Prints what happened in a run, by default the newest: alerts first, then who did\n"
          "what.\n\n"
          "      --alerts         alerts alone\n"
          "      --actor PACKAGE  what NAME or NAME@VERSION did\n"
          "      --json           the events as they stand in the log\n"
          "  -f, --follow         print events as they come, until the run ends\n"
          "      --verify         check that no line was changed, removed or inserted\n"},
    Topic{"explain",
          "Usage: sandbox-run explain [RUN] [EVENT | last]\n\n"
          "Explains an event by its number in the log: what it means, what to do about it,\n"
          "and how to allow it as narrowly as possible. Without EVENT the gravest one of the\n"
          "run, by default the newest run; last: the last one that is out of the ordinary.\n"},
    Topic{"lock",
          "Usage: sandbox-run lock diff|update [RUN]\n\n"
          "Compares what packages' scripts did in a run with sandbox-run.lock (diff), or\n"
          "takes it in (update).\n"}};

}  // namespace

std::vector<std::string> help_topics() {
  std::vector<std::string> names;
  names.reserve(kTopics.size());
  for (const Topic& topic : kTopics) names.emplace_back(topic.name);
  return names;
}

std::string help_on(const std::string& topic) {
  for (const Topic& known : kTopics) {
    if (known.name == topic) return std::string(known.text) + "See sandbox-run(1).\n";
  }
  const std::string near = base::nearest(topic, help_topics());
  throw base::UserError("there is no help on '" + base::printable(topic) + "'" +
                        (near.empty() ? "; topics: " + base::join(help_topics(), ", ")
                                      : "; did you mean " + near + "?"));
}

}  // namespace sandbox_run::cli
