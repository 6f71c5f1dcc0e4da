#pragma once

#include "events/event_file.h"
#include "events/sink.h"

namespace sandbox_run::events {

/// "2024-05-01T12:00:00.123Z alert evil@1.0.0 postinstall: opened the decoy ~/.ssh/id_ed25519",
/// one line for each event, to a person's terminal or a file.
class WordsSink : public Sink {
 public:
  WordsSink(base::UniqueFd fd, Severity least) : Sink(least), file_(std::move(fd)) {}
  void write(const Record& record) override;
  std::optional<std::string> failure() const override { return file_.failure(); }

 private:
  EventFile file_;
};

/// Such a line, without its newline, cut after 2 KiB. Pure.
std::string line_in_words(const base::json::object& event);

}  // namespace sandbox_run::events
