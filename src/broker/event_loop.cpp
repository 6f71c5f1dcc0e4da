#include "broker/event_loop.h"

#include <sys/stat.h>

#include <boost/asio/signal_set.hpp>
#include <utility>

#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "broker/event_loop_impl.h"

namespace sandbox_run::broker {
namespace {

/// epoll(7) knows no regular files and directories; told at once, not when the loop runs.
base::UniqueFd duplicate_pollable(int fd) {
  struct stat status {};
  base::check_sys(::fstat(fd, &status), "looking at a descriptor to watch");
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
    throw base::SysError(EPERM, "watching a file, which is always ready");
  }
  return base::duplicate(fd);
}

class DescriptorWatch : public std::enable_shared_from_this<DescriptorWatch> {
 public:
  DescriptorWatch(asio::io_context& io, int fd, Descriptor::wait_type what,
                  std::function<bool()> ready)
      : descriptor_(watch(io.get_executor(), duplicate_pollable(fd))),
        what_(what),
        ready_(std::move(ready)) {}

  void wait() {
    descriptor_.async_wait(what_, [self = shared_from_this()](boost::system::error_code error) {
      if (!error && self->ready_()) self->wait();
    });
  }

 private:
  Descriptor descriptor_;
  Descriptor::wait_type what_;
  std::function<bool()> ready_;
};

class SignalWatch : public std::enable_shared_from_this<SignalWatch> {
 public:
  SignalWatch(asio::io_context& io, std::initializer_list<int> signals,
              std::function<void(int)> handler)
      : signals_(io), handler_(std::move(handler)) {
    for (const int signal : signals) signals_.add(signal);
  }

  void wait() {
    signals_.async_wait([self = shared_from_this()](boost::system::error_code error, int signal) {
      if (error) return;
      self->wait();  // first, so that an exception of the handler does not end the watch
      self->handler_(signal);
    });
  }

 private:
  asio::signal_set signals_;
  std::function<void(int)> handler_;
};

}  // namespace

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::on_readable(int fd, std::function<bool()> ready) {
  std::make_shared<DescriptorWatch>(impl_->io, fd, Descriptor::wait_read, std::move(ready))->wait();
}

void EventLoop::on_writable(int fd, std::function<bool()> ready) {
  std::make_shared<DescriptorWatch>(impl_->io, fd, Descriptor::wait_write, std::move(ready))
      ->wait();
}

void EventLoop::on_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
  std::make_shared<SignalWatch>(impl_->io, signals, std::move(handler))->wait();
}

void EventLoop::after(std::chrono::milliseconds delay, std::function<void()> handler) {
  auto timer = std::make_shared<asio::steady_timer>(impl_->io, delay);
  timer->async_wait([timer, handler = std::move(handler)](boost::system::error_code error) {
    if (!error) handler();
  });
}

void EventLoop::run() {
  impl_->io.run();
  impl_->io.restart();  // after, not before: a stop() that came before run() counts
}

void EventLoop::stop() { impl_->io.stop(); }

}  // namespace sandbox_run::broker
