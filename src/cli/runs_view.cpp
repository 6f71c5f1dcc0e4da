#include "cli/runs_view.h"

#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "cli/review/style.h"
#include "cli/state.h"
#include "events/words.h"

namespace sandbox_run::cli {
namespace {

constexpr std::size_t kCommandWidth = 60;

std::string held_words(const RunFacts& run) {
  return run.held == 0 ? "-" : std::to_string(run.held);
}

std::string age_of(const RunFacts& run, std::chrono::system_clock::time_point now) {
  const auto start = start_of(run.id);
  return start ? age_words(now - *start) : "?";
}

}  // namespace

std::string age_words(std::chrono::system_clock::duration age) {
  using std::chrono::duration_cast;
  constexpr std::int64_t kDay = 1440;  // minutes
  const auto minutes = duration_cast<std::chrono::minutes>(age).count();
  if (minutes <= 1) return "1 min";
  if (minutes < 120) return base::format("{} min", minutes);
  if (minutes < 2 * kDay) return base::format("{} h", minutes / 60);
  return base::format("{} days", minutes / kDay);
}

std::string command_words(const RunLog& log) {
  return events::cut(events::shown(base::shell_words(log.command)), kCommandWidth);
}

std::string runs_text(const std::vector<RunFacts>& runs,
                      std::chrono::system_clock::time_point now) {
  if (runs.empty()) return "no runs\n";
  std::size_t id_width = 3;
  for (const RunFacts& run : runs) id_width = std::max(id_width, run.id.size());
  std::string text = base::format("{:<{}}  {:<11}  {:>7}  {:>5}  {:>9}  {}\n", "RUN", id_width,
                                  "STATE", "AGE", "HELD", "SIZE", "COMMAND");
  for (const RunFacts& run : runs) {
    text += base::format("{:<{}}  {:<11}  {:>7}  {:>5}  {:>9}  {}\n", run.id, id_width,
                         to_word(run.state), age_of(run, now), held_words(run),
                         size_words(run.bytes), command_words(run.log));
  }
  return text;
}

base::json::object run_json(const RunFacts& run) {
  base::json::array command;
  for (const std::string& word : run.log.command) command.emplace_back(word);
  base::json::object object{{"run", run.id},
                            {"state", to_word(run.state)},
                            {"command", std::move(command)},
                            {"directory", run.log.directory},
                            {"held_count", run.held},
                            {"bytes", run.bytes}};
  if (run.log.finished) object["exit_code"] = run.log.exit_code;
  if (const auto start = start_of(run.id)) {
    object["started"] =
        std::chrono::duration_cast<std::chrono::seconds>(start->time_since_epoch()).count();
  }
  return object;
}

std::string runs_json(const std::vector<RunFacts>& runs) {
  base::json::array list;
  for (const RunFacts& run : runs) list.push_back(run_json(run));
  return base::to_json(base::json::object{{"runs", std::move(list)}}) + "\n";
}

}  // namespace sandbox_run::cli
