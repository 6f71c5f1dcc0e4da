#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace sandbox_run::cli {

/// While it lives: a line on standard error, if that is a terminal, about long work of the
/// workspace: from the second second on, with the number of entries copied or removed so far.
/// Nothing in a pipe. The line is gone before the destructor returns.
class ProgressLine {
 public:
  enum class Shown { on_terminals, never };
  /// `doing`: "taking over changes".
  ProgressLine(std::string doing, Shown shown);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

 private:
  void show();

  std::string doing_;
  std::mutex mutex_;
  std::condition_variable over_changed_;
  bool over_ = false;
  std::jthread thread_;
};

}  // namespace sandbox_run::cli
