#include "watch/notification.h"

#include <doctest/doctest.h>
#include <poll.h>

#include "watched_process.h"

namespace sandbox_run::watch {
namespace {

TEST_CASE("a thread that dies between notice and answer is no longer valid, and no error") {
  WatchedProcess process({"/bin/true"});
  const base::UniqueFd listener = process.take_listener();
  NotificationChannel channel(listener.get());
  pollfd ready{listener.get(), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, -1) == 1);
  REQUIRE(channel.state() == NotificationChannel::State::pending);
  const auto notification = channel.receive();
  REQUIRE(notification);
  CHECK(static_cast<pid_t>(notification->pid) == process.pid());
  CHECK(channel.is_valid(notification->id));
  CHECK(channel.state() == NotificationChannel::State::idle);
  process.kill();
  CHECK_FALSE(channel.is_valid(notification->id));
  channel.let_go_on(notification->id);
  CHECK(channel.state() == NotificationChannel::State::dead);
}

}  // namespace
}  // namespace sandbox_run::watch
