#pragma once

#include <array>
#include <string>

namespace sandbox_run::cli {

/// To the caller's standard error, whole: a command that left it in non-blocking mode with a full
/// pipe must not be able to swallow the summary. Gives up after ten seconds without a reader.
void tell(const std::string& text);
/// "sandbox-run: …", in one line; on a terminal in as many as it needs.
void complain(const std::string& text);

/// On a terminal: ends invisible text, hidden cursor and alternate screen that a package may have
/// left to hide what follows.
void leave_screen_of_command();

/// A descriptor 0, 1 or 2 that the caller closed is filled, or a file of ours would take its place.
/// True for those.
std::array<bool, 3> fill_closed_streams();

/// The file status flags (O_NONBLOCK, …) of descriptors 0 to 2, put back when destroyed: they
/// belong to the open file, which the caller shares with us.
class StreamFlags {
 public:
  StreamFlags();
  StreamFlags(const StreamFlags&) = delete;
  StreamFlags& operator=(const StreamFlags&) = delete;
  ~StreamFlags();

 private:
  std::array<int, 3> flags_{};
};

}  // namespace sandbox_run::cli
