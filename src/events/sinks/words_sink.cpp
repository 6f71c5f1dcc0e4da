#include "events/sinks/words_sink.h"

#include "events/words.h"

namespace sandbox_run::events {
namespace {

constexpr std::size_t kLongestLine = 2048;

}  // namespace

std::string line_in_words(const base::json::object& event) {
  return cut(shown(text_member(event, "time")) + " " + shown(text_member(event, "severity")) + " " +
                 who_did_it(event) + ": " + what_happened(event),
             kLongestLine);
}

void WordsSink::write(const Record& record) {
  file_.write_line("sandbox-run: " + line_in_words(record.event) + "\n");
}

}  // namespace sandbox_run::events
