#include "broker/inspector.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "broker/limits.h"

namespace sandbox_run::broker {
namespace {

using Kind = Inspector::Result::Kind;

/// Readable only when so many bytes are there (or the end).
void set_low_water(int socket, std::size_t bytes) {
  const int value = static_cast<int>(bytes);
  (void)::setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof value);
}

bool has_ended(int socket) {
  pollfd entry{.fd = socket, .events = POLLRDHUP, .revents = 0};
  return ::poll(&entry, 1, 0) == 1;
}

}  // namespace

Inspector::Result Inspector::look(int socket) {
  const ssize_t count = ::recv(socket, buffer_.data(), buffer_.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0) return {errno == EAGAIN || errno == EINTR ? Kind::wait : Kind::lost};
  const auto size = static_cast<std::size_t>(count);
  const bool nothing_new = size <= seen_;
  const bool ended = size == 0 || (nothing_new && has_ended(socket));
  if (nothing_new && !ended) return {Kind::wait};
  return judge(socket, buffer_.first(size), ended ? Screen::Input::ended : Screen::Input::open);
}

Inspector::Result Inspector::judge(int socket, std::span<const std::uint8_t> pending,
                                   Screen::Input input) {
  Verdict verdict = screen_->look(direction_, pending, input);
  switch (verdict.kind) {
    case Verdict::Kind::pass:
      if (std::exchange(seen_, 0) != 0) set_low_water(socket, 1);
      looks_ = 0;
      return {Kind::pass, verdict.bytes};
    case Verdict::Kind::hold:
      return {Kind::hold};
    case Verdict::Kind::refuse:
      break;
    case Verdict::Kind::more:
      if (input == Screen::Input::open && ++looks_ < kMaxLooks && verdict.bytes <= buffer_.size()) {
        seen_ = pending.size();
        set_low_water(socket, std::max<std::size_t>(verdict.bytes, seen_ + 1));
        return {Kind::wait};
      }
      verdict.objection.reason = "its beginning comes in too many pieces";
      break;
  }
  return {Kind::refuse, 0, std::move(verdict.objection)};
}

}  // namespace sandbox_run::broker
