#include "broker/event_loop.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <vector>

#include "base/io.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "scratch_directory.h"

namespace sandbox_run::broker {
namespace {

using namespace std::chrono_literals;

char read_byte(int fd) {
  char byte = 0;
  return ::read(fd, &byte, 1) == 1 ? byte : '\0';
}

}  // namespace

TEST_CASE("a readable descriptor calls until its handler says no more") {
  EventLoop loop;
  const base::Pipe pipe = base::make_pipe();
  base::write_full(pipe.write_end.get(), "abc", "writing");
  std::string seen;
  loop.on_readable(pipe.read_end.get(), [&] {
    seen += read_byte(pipe.read_end.get());
    if (seen.size() < 2) return true;
    loop.stop();
    return false;
  });
  loop.run();
  CHECK(seen == "ab");
}

TEST_CASE("a hang-up is readable") {
  EventLoop loop;
  base::Pipe pipe = base::make_pipe();
  pipe.write_end.reset();
  bool called = false;
  loop.on_readable(pipe.read_end.get(), [&] {
    called = true;
    loop.stop();
    return false;
  });
  loop.run();
  CHECK(called);
}

TEST_CASE("the watched descriptor may be closed by its owner when the handler says no more") {
  EventLoop loop;
  std::optional<base::Pipe> pipe = base::make_pipe();
  pipe->write_end.reset();
  loop.on_readable(pipe->read_end.get(), [&] {
    pipe.reset();
    loop.after(0ms, [&] { loop.stop(); });
    return false;
  });
  loop.run();
  CHECK_FALSE(pipe.has_value());
}

TEST_CASE("one descriptor may be watched for reading and for writing") {
  EventLoop loop;
  const base::SocketPair pair = base::make_socket_pair();
  int readable = 0;
  loop.on_writable(pair.ours.get(), [&] {
    base::write_full(pair.theirs.get(), "x", "writing");
    return false;
  });
  loop.on_readable(pair.ours.get(), [&] {
    ++readable;
    loop.stop();
    return false;
  });
  loop.run();
  CHECK(readable == 1);
}

TEST_CASE("a regular file cannot be watched") {
  EventLoop loop;
  const test::ScratchDirectory directory;
  const base::UniqueFd file(
      ::open(directory.file("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(file);
  CHECK_THROWS_AS(loop.on_readable(file.get(), [] { return false; }), base::SysError);
}

TEST_CASE("signals arrive in the loop, each time") {
  EventLoop loop;
  std::vector<int> seen;
  loop.on_signals({SIGUSR1, SIGUSR2}, [&](int signal) {
    seen.push_back(signal);
    if (seen.size() == 1) ::raise(SIGUSR2);
    if (seen.size() == 2) loop.stop();
  });
  ::raise(SIGUSR1);
  loop.run();
  CHECK(seen == std::vector<int>{SIGUSR1, SIGUSR2});
}

TEST_CASE("an exception of a handler leaves run(), which can go on afterwards") {
  EventLoop loop;
  loop.after(0ms, [] { throw std::runtime_error("out"); });
  CHECK_THROWS_WITH(loop.run(), "out");
  bool called = false;
  loop.after(0ms, [&] {
    called = true;
    loop.stop();
  });
  loop.run();
  CHECK(called);
}

TEST_CASE("a stop before run() counts, once") {
  EventLoop loop;
  loop.stop();
  loop.run();
  int calls = 0;
  loop.after(0ms, [&] {
    ++calls;
    loop.stop();
  });
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("timers fire in the order of their delays") {
  EventLoop loop;
  std::string order;
  loop.after(20ms, [&] {
    order += 'b';
    loop.stop();
  });
  loop.after(1ms, [&] { order += 'a'; });
  loop.run();
  CHECK(order == "ab");
}

TEST_CASE("a loop that never ran ends without calling anything") {
  const base::Pipe pipe = base::make_pipe();
  bool called = false;
  {
    EventLoop loop;
    loop.on_writable(pipe.write_end.get(), [&] { return called = true; });
    loop.after(0ms, [&] { called = true; });
  }
  CHECK_FALSE(called);
}

}  // namespace sandbox_run::broker
