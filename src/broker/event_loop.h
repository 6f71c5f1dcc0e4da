#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>

namespace sandbox_run::broker {

/// The supervisor's one thread: Boost.Asio's io_context behind the few calls that the other folders
/// need (Asio itself is seen only in this folder). Not thread-safe: call it from the one thread,
/// its handlers included. Starts no thread.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Calls `ready` each time `fd` is readable (or hung up) until it returns false or the loop ends.
  /// The loop watches a duplicate of `fd`. Pipes, sockets, terminals, pidfds, eventfds and the
  /// like; a regular file or directory cannot be watched (epoll(7)): SysError with EPERM.
  void on_readable(int fd, std::function<bool()> ready);
  /// As on_readable for writing.
  void on_writable(int fd, std::function<bool()> ready);
  /// Replaces the signals' default action while the loop lives. Call it after the sandbox's init
  /// was cloned: a clone that does not exec would inherit the handlers and write to this loop's
  /// pipe.
  void on_signals(std::initializer_list<int> signals, std::function<void(int)> handler);
  /// Once, after `delay`; never cancelled but by the loop's end.
  void after(std::chrono::milliseconds delay, std::function<void()> handler);

  /// Until stop(). An exception of a handler leaves run(), which can be called again.
  void run();
  void stop();

  struct Impl;
  Impl& impl() { return *impl_; }  // for this folder's own files

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sandbox_run::broker
