#include "cli/progress_line.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/format.h"
#include "base/thread.h"
#include "cli/tell.h"
#include "workspace/work_done.h"

namespace sandbox_run::cli {
namespace {

constexpr std::chrono::seconds kQuietTime{1};
constexpr std::chrono::milliseconds kInterval{200};
constexpr std::string_view kClear = "\r\033[K";

bool is_smart_terminal() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

ProgressLine::ProgressLine(std::string doing, Shown shown) : doing_(std::move(doing)) {
  if (shown == Shown::never || !is_smart_terminal()) return;
  try {
    thread_ = base::start_thread([this] { show(); });
  } catch (const std::system_error&) {
    // No process left to this user: the work counts, not the line.
  }
}

ProgressLine::~ProgressLine() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  over_changed_.notify_one();
  thread_.join();
}

void ProgressLine::show() {
  const std::uint64_t before = workspace::work_done;
  std::unique_lock lock(mutex_);
  if (over_changed_.wait_for(lock, kQuietTime, [this] { return over_; })) return;
  do {
    const std::uint64_t done = workspace::work_done - before;
    tell(base::format("{}sandbox-run: {}{}", kClear, doing_,
                      done == 0 ? " …" : base::format(": {} files", done)));
  } while (!over_changed_.wait_for(lock, kInterval, [this] { return over_; }));
  tell(std::string(kClear));
}

}  // namespace sandbox_run::cli
