#pragma once

#include "events/event_file.h"
#include "events/sink.h"

namespace sandbox_run::events {

/// The lines themselves, to a file or a descriptor. All of them: the chain of digests must hold.
class FileSink : public Sink {
 public:
  explicit FileSink(base::UniqueFd fd, FileState state = FileState::whole)
      : file_(std::move(fd), std::chrono::seconds(1), state) {}
  void write(const Record& record) override { file_.write_line(record.line); }
  std::optional<std::string> failure() const override { return file_.failure(); }

 private:
  EventFile file_;
};

}  // namespace sandbox_run::events
