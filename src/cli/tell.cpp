#include "cli/tell.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include "base/sys_error.h"
#include "base/text.h"
#include "cli/paragraph.h"

namespace sandbox_run::cli {
namespace {

constexpr int kReaderMilliseconds = 10'000;
constexpr std::size_t kRoomBeside = 8;  // an indent, a backslash

}  // namespace

void tell(const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t put = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (put >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(put));
      continue;
    }
    if (errno == EINTR) continue;
    pollfd writable{STDERR_FILENO, POLLOUT, 0};
    // Closed, or nobody reads: the log has it all.
    if (errno != EAGAIN || ::poll(&writable, 1, kReaderMilliseconds) != 1) return;
  }
}

void leave_screen_of_command() {
  if (::isatty(STDERR_FILENO) == 0) return;
  // All attributes off, main screen, cursor visible (ECMA-48; private modes 1047
  // and 25: 1049 would also move the cursor where it was last saved).
  tell("\x1b[0m\x1b[?1047l\x1b[?25h");
}

/// On a terminal in lines that fit; for programs, and where a word would be cut, in one.
void complain(const std::string& text) {
  const std::string lead = "sandbox-run: ";
  const Layout layout = Layout::for_standard_error();
  const std::vector<std::string> words = base::split(text, ' ');
  const bool fits = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    return columns(word) + kRoomBeside <= layout.width;
  });
  if (::isatty(STDERR_FILENO) == 0 || !fits || text.find('\n') != std::string::npos) {
    return tell(lead + text + "\n");
  }
  Paragraph paragraph = note_paragraph(text);
  paragraph.label.clear();
  tell(headline(lead, paragraph, layout));
}

std::array<bool, 3> fill_closed_streams() {
  std::array<bool, 3> closed{};
  for (const int fd : {0, 1, 2}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    closed[static_cast<std::size_t>(fd)] = true;
    // The lowest free number: fd itself. The command inherits it, as it would inherit the caller's.
    // NOLINTNEXTLINE(android-cloexec-open)
    const int filler = ::open("/dev/null", O_RDWR);
    if (filler != fd) throw base::SysError("filling a closed standard stream");
  }
  return closed;
}

StreamFlags::StreamFlags() {
  for (int fd = 0; fd < 3; ++fd) flags_[static_cast<std::size_t>(fd)] = ::fcntl(fd, F_GETFL);
}

StreamFlags::~StreamFlags() {
  for (int fd = 0; fd < 3; ++fd) {
    const int flags = flags_[static_cast<std::size_t>(fd)];
    if (flags >= 0) ::fcntl(fd, F_SETFL, flags);
  }
}

}  // namespace sandbox_run::cli
