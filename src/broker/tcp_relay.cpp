#include "broker/tcp_relay.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "base/sys_error.h"
#include "broker/limits.h"

namespace sandbox_run::broker {

void reset_on_close(int socket) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

TcpRelay::TcpRelay(Descriptor client, Descriptor upstream, PipePool& pool, Screening screening)
    : client_(std::move(client)),
      upstream_(std::move(upstream)),
      pool_(pool),
      screening_(std::move(screening)),
      ways_{Way{.source = &client_, .sink = &upstream_, .pipe = {}},
            Way{.source = &upstream_, .sink = &client_, .pipe = {}}} {
  if (!screening_.screen) return;
  screen_way(ways_[0], Direction::up, screening_.passed);
  screen_way(ways_[1], Direction::down, 0);
}

void TcpRelay::screen_way(Way& way, Direction direction, std::uint64_t passed) {
  if (!screening_.screen->watches(direction)) return;
  way.allowed = passed;
  way.inspector.emplace(*screening_.screen, direction, screening_.buffer);
}

void TcpRelay::start(std::function<void(End)> on_end) {
  on_end_ = std::move(on_end);
  pump(0);
  pump(1);
}

void TcpRelay::abort() {
  on_end_ = nullptr;
  finish(End::client_lost);
  close_sockets(End::client_lost);
}

void TcpRelay::pump(std::size_t way_index) {
  Way& way = ways_[way_index];
  if (closed_ || way.ended) return;
  last_activity_ = std::chrono::steady_clock::now();
  Step step = Step::moved;
  try {
    for (int turn = 0; turn < kSplicesPerTurn && step == Step::moved; ++turn) {
      step = this->step(way);
    }
  } catch (const base::SysError&) {
    return finish(End::out_of_resources);
  }
  const auto again = [self = shared_from_this(), way_index](boost::system::error_code error = {}) {
    if (!error) self->pump(way_index);
  };
  switch (step) {
    case Step::moved:
      return asio::post(client_.get_executor(), again);
    case Step::needs_input:
      return way.source->async_wait(Descriptor::wait_read, again);
    case Step::needs_room:
      return way.sink->async_wait(Descriptor::wait_write, again);
    case Step::held:
      way.held = true;
      return;
    case Step::refused:
      return finish(End::refused);
    case Step::ended:
      return end_way(way);
    case Step::input_lost:
      return finish(way_index == 0 ? End::client_lost : End::upstream_lost);
    case Step::output_lost:
      return finish(way_index == 0 ? End::upstream_lost : End::client_lost);
  }
}

TcpRelay::Step TcpRelay::step(Way& way) {
  if (way.in_pipe == 0) {
    if (way.allowed == 0) {
      const Step looked = look(way);
      if (looked != Step::moved) return looked;
    }
    if (!way.pipe.read_end) way.pipe = pool_.take();
    const Step filled = fill(way);
    if (filled != Step::moved) {
      pool_.give_back(std::move(way.pipe));
      return filled;
    }
  }
  return drain(way);
}

TcpRelay::Step TcpRelay::look(Way& way) {
  using Kind = Inspector::Result::Kind;
  Inspector::Result result = way.inspector->look(way.source->native_handle());
  switch (result.kind) {
    case Kind::pass:
      way.allowed = result.bytes;
      resume_held();
      return Step::moved;
    case Kind::wait:
      return Step::needs_input;
    case Kind::hold:
      return Step::held;
    case Kind::refuse:
      objection_ = std::move(result.objection);
      return Step::refused;
    case Kind::lost:
      break;
  }
  return Step::input_lost;
}

void TcpRelay::resume_held() {
  for (std::size_t index = 0; index < ways_.size(); ++index) {
    if (!std::exchange(ways_[index].held, false)) continue;
    asio::post(client_.get_executor(), [self = shared_from_this(), index] { self->pump(index); });
  }
}

TcpRelay::Step TcpRelay::fill(Way& way) {
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(way.allowed, kPipeBytes));
  // The pipe is empty, so EAGAIN can only be the socket's.
  const ssize_t count = ::splice(way.source->native_handle(), nullptr, way.pipe.write_end.get(),
                                 nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (count > 0) {
    way.in_pipe = static_cast<std::size_t>(count);
    if (way.allowed != Verdict::kAll) way.allowed -= way.in_pipe;
    return Step::moved;
  }
  if (count == 0) return Step::ended;
  return errno == EAGAIN || errno == EINTR ? Step::needs_input : Step::input_lost;
}

TcpRelay::Step TcpRelay::drain(Way& way) {
  // Exactly what is in the pipe: asked for more, older kernels hold the last segment back.
  const ssize_t count = ::splice(way.pipe.read_end.get(), nullptr, way.sink->native_handle(),
                                 nullptr, way.in_pipe, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (count > 0) {
    way.in_pipe -= static_cast<std::size_t>(count);
    way.moved += static_cast<std::uint64_t>(count);
    return Step::moved;
  }
  if (count == 0) return Step::output_lost;
  return errno == EAGAIN || errno == EINTR ? Step::needs_room : Step::output_lost;
}

void TcpRelay::end_way(Way& way) {
  way.ended = true;
  if (ways_[0].ended && ways_[1].ended) return finish(End::finished);
  // An error here (the sink is gone already) is seen by the other direction.
  (void)::shutdown(way.sink->native_handle(), SHUT_WR);
}

void TcpRelay::finish(End end) {
  if (closed_) return;
  closed_ = true;
  for (Way& way : ways_) {
    // One that holds bytes is not to be used again.
    if (way.pipe.read_end && way.in_pipe == 0) pool_.give_back(std::move(way.pipe));
    way.pipe = {};
  }
  close_who_waits(end);
  after_others([self = shared_from_this(), end] { self->close_sockets(end); });
  asio::post(client_.get_executor(), [self = shared_from_this(), end] {
    if (self->on_end_) std::exchange(self->on_end_, nullptr)(end);
  });
}

/// Whoever is still there and has not ended his side learns at once that it is over.
void TcpRelay::close_who_waits(End end) {
  const bool lost[] = {end == End::client_lost, end == End::upstream_lost};
  for (std::size_t index = 0; index < ways_.size(); ++index) {
    if (!lost[index] && !ways_[index].ended) close_socket(*ways_[index].source, end);
  }
}

/// Once what is ready now, and what is found ready at the loop's next look, has been served: to
/// close two sockets takes 40 us, and who ends a connection often opens another at once.
void TcpRelay::after_others(std::function<void()> act) {
  asio::post(client_.get_executor(), [self = shared_from_this(), act = std::move(act)]() mutable {
    asio::post(self->client_.get_executor(), std::move(act));
  });
}

void TcpRelay::close_sockets(End end) {
  close_socket(client_, end);
  close_socket(upstream_, end);
}

void TcpRelay::close_socket(Descriptor& socket, End end) {
  if (!socket.is_open()) return;
  if (end != End::finished) reset_on_close(socket.native_handle());
  boost::system::error_code ignored;  // close(2) after a reset may report the peer's error
  socket.close(ignored);
}

}  // namespace sandbox_run::broker
