#include "events/event_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "scratch_directory.h"

namespace sandbox_run::events {
namespace {

using test::ScratchDirectory;

TEST_CASE("an event file is private, created, and appended to") {
  const ScratchDirectory directory;
  const std::string path = directory.file("events.jsonl");
  EventFile(open_event_file(path)).write_line("one\n");
  EventFile(open_event_file(path)).write_line("two\n");
  CHECK(base::read_file(path) == "one\ntwo\n");
  CHECK((base::stat_no_follow(path)->st_mode & 07777) == 0600);
}

TEST_CASE("a path that cannot be written is a clear error") {
  const ScratchDirectory directory;
  const std::string missing = directory.file("no/such/file");
  CHECK_THROWS_WITH_AS(
      open_event_file(missing),
      ("cannot write events to " + missing + ": No such file or directory").c_str(),
      base::UserError);
  CHECK_THROWS_AS(open_event_file(directory.file("")), base::UserError);
  CHECK_THROWS_AS(open_event_file(""), base::UserError);
  const std::string pipe = directory.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THROWS_WITH_AS(
      open_event_file(pipe),
      ("cannot write events to " + pipe + ": nobody has opened this pipe for reading").c_str(),
      base::UserError);
}

TEST_CASE("fd:N must be the number of a descriptor that is open for writing") {
  for (const char* where : {"fd:", "fd:x", "fd:-1", "fd:3x", "fd:99999999999", "fd:65000"}) {
    CAPTURE(where);
    CHECK_THROWS_AS(open_event_file(where), base::UserError);
  }
  const base::Pipe pipe = base::make_pipe();
  CHECK_THROWS_AS(open_event_file("fd:" + std::to_string(pipe.read_end.get())), base::UserError);
  EventFile(open_event_file("fd:" + std::to_string(pipe.write_end.get()))).write_line("x\n");
  char bytes[4] = {};
  CHECK(::read(pipe.read_end.get(), bytes, sizeof(bytes)) == 2);
  CHECK(std::string(bytes) == "x\n");
}

TEST_CASE("fd:N of a pipe leaves the caller's own descriptor blocking") {
  const base::Pipe pipe = base::make_pipe();
  const base::UniqueFd own = open_event_file("fd:" + std::to_string(pipe.write_end.get()));
  CHECK((::fcntl(own.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(pipe.write_end.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a closed pipe or socket is a failure, not a signal") {
  base::Pipe pipe = base::make_pipe();
  EventFile file(std::move(pipe.write_end));
  pipe.read_end.reset();
  file.write_line("lost\n");
  REQUIRE(file.failure());
  CHECK(*file.failure() == "writing events: Broken pipe");
  file.write_line("lost too\n");

  base::SocketPair pair = base::make_socket_pair();
  EventFile socket(std::move(pair.ours));
  pair.theirs.reset();
  socket.write_line("lost\n");
  CHECK(socket.failure());
}

TEST_CASE("a reader that stands still costs lines, not the run") {
  base::Pipe pipe = base::make_pipe();
  EventFile file(std::move(pipe.write_end), std::chrono::milliseconds(1));
  const std::string line(2000, 'x');
  for (int i = 0; i < 1000; ++i) file.write_line(line + "\n");
  REQUIRE(file.failure());
  CHECK(*file.failure() == "the reader of the events is too slow");
}

TEST_CASE("a line torn by a full disk does not spoil the next one") {
  const ScratchDirectory directory;
  const std::string path = directory.file("events");
  EventFile file(open_event_file(path));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 5;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  file.write_line("torn line\n");
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, old_handler);
  file.write_line("whole\n");
  file.write_line("next\n");
  CHECK(file.failure());
  CHECK(base::read_file(path) == "torn \nwhole\nnext\n");
}

}  // namespace
}  // namespace sandbox_run::events
