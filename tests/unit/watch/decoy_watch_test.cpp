// Leases on a temporary file, opened by children of the test itself.

#include "watch/decoy_watch.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/io.h"
#include "events/event.h"
#include "scratch_directory.h"
#include "watch/openers.h"

using namespace sandbox_run;
using events::Actor;
using events::Severity;

namespace {

struct KeptDecoys : events::EventSink {
  void record(const events::Event& event) override { events.push_back(event); }
  std::vector<events::Event> events;
};

struct TemporaryFile {
  TemporaryFile() { base::write_file(path, "decoy\n", 0600); }
  test::ScratchDirectory directory;
  std::string path = directory.file("decoy");
};

std::vector<watch::PlacedDecoy> placed(const TemporaryFile& file) {
  std::vector<watch::PlacedDecoy> decoys;
  decoys.push_back({file.path, policy::DecoyReaders::nobody,
                    base::UniqueFd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC))});
  return decoys;
}

bool hosts(const std::string&) { return true; }

Actor script() { return {Actor::Kind::script, "evil", "1.0.0", "postinstall"}; }

/// Runs `act` in a child; its exit code is what act returns.
template <typename Act>
pid_t start(Act act) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(act());
  return child;
}

int read_file(const std::string& path, int flags) {
  char byte = 0;
  const int fd = ::open(path.c_str(), flags);
  return fd >= 0 && ::read(fd, &byte, 1) == 1 && byte == 'd' ? 0 : 1;
}

void serve(watch::DecoyWatch& decoys, pid_t child, int& status) {
  while (::waitpid(child, &status, WNOHANG) == 0) {
    pollfd polled[]{{decoys.lease_fd(), POLLIN, 0}, {decoys.change_fd(), POLLIN, 0}};
    ::poll(polled, 2, 10);
    if (polled[0].revents != 0) decoys.on_lease();
    if (polled[1].revents != 0) decoys.on_change();
  }
  decoys.on_lease();
  decoys.on_change();
}

}  // namespace

TEST_CASE("an opener is found, named, and gets the content") {
  const TemporaryFile file;
  KeptDecoys kept;
  watch::DecoyWatch decoys(
      placed(file), {::getpid() + 1}, kept, [](int) { return script(); }, hosts);
  const pid_t child = start([&] { return read_file(file.path, O_RDONLY); });
  int status = -1;
  serve(decoys, child, status);
  CHECK(status == 0);
  REQUIRE(kept.events.size() == 1);
  CHECK(kept.events[0].type == "decoy.opened");
  CHECK(kept.events[0].severity == Severity::alert);
  CHECK(kept.events[0].actor == script());
  CHECK(kept.events[0].process->pid == child);
  CHECK(kept.events[0].details.at("path") == file.path.c_str());
}

TEST_CASE("each of several opens, one after the other, is told") {
  const TemporaryFile file;
  KeptDecoys kept;
  watch::DecoyWatch decoys(
      placed(file), {::getpid() + 1}, kept, [](int) { return script(); }, hosts);
  for (int i = 0; i < 5; ++i) {
    int status = -1;
    serve(decoys, start([&] { return read_file(file.path, O_RDONLY); }), status);
    CHECK(status == 0);
  }
  CHECK(kept.events.size() == 5);
}

TEST_CASE("an opener that does not wait gets nothing, and is told by who else was running") {
  const TemporaryFile file;
  KeptDecoys kept;
  watch::DecoyWatch decoys(
      placed(file), {::getpid() + 1}, kept, [](int) { return script(); }, hosts);
  int status = -1;
  serve(decoys, start([&] { return read_file(file.path, O_RDONLY | O_NONBLOCK); }), status);
  CHECK(WEXITSTATUS(status) == 1);
  REQUIRE(kept.events.size() == 1);
  CHECK(kept.events[0].details.contains("reason"));
  CHECK(kept.events[0].severity == Severity::alert);
}

TEST_CASE("who opens a decoy while another still holds it open is told, too") {
  const TemporaryFile file;
  KeptDecoys kept;
  watch::DecoyWatch decoys(
      placed(file), {::getpid() + 1}, kept, [](int) { return script(); }, hosts);
  int to_holder[2];
  int from_holder[2];
  REQUIRE(::pipe2(to_holder, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(from_holder, O_CLOEXEC) == 0);
  const pid_t holder = start([&] {
    char byte = 0;
    if (::open(file.path.c_str(), O_RDONLY) < 0 || ::write(from_holder[1], "x", 1) != 1) return 1;
    ::close(to_holder[1]);
    return ::read(to_holder[0], &byte, 1) == 0 ? 0 : 1;
  });
  pollfd opened{from_holder[0], POLLIN, 0};
  while (::poll(&opened, 1, 5) == 0) decoys.on_lease();
  decoys.on_change();
  // It stays until it was seen: it cannot be known when that is, so it holds the file open, too.
  const pid_t second = start([&] {
    char byte = 0;
    ::close(to_holder[1]);
    const bool opened_it = ::open(file.path.c_str(), O_RDONLY) >= 0;
    return opened_it && ::read(to_holder[0], &byte, 1) == 0 ? 0 : 1;
  });
  while (kept.events.size() < 2) decoys.on_change();
  ::close(to_holder[1]);
  for (const pid_t child : {holder, second}) {
    int status = -1;
    serve(decoys, child, status);
    CHECK(status == 0);
  }
  REQUIRE(kept.events.size() == 2);
  CHECK(kept.events[0].process->pid == holder);
  CHECK(kept.events[1].process->pid == second);
  ::close(to_holder[0]);
  ::close(from_holder[0]);
  ::close(from_holder[1]);
}

TEST_CASE("the watch leaves SIGIO as it was") {
  const TemporaryFile file;
  KeptDecoys kept;
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    watch::DecoyWatch decoys(
        placed(file), {::getpid() + 1}, kept, [](int) { return script(); }, hosts);
  }
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  CHECK(::sigismember(&before, SIGIO) == ::sigismember(&after, SIGIO));
}

TEST_CASE("a look into ~/.netrc is an alert only by what is no HTTP client") {
  using policy::DecoyReaders;
  const Actor package_manager{Actor::Kind::package_manager, "", "", ""};
  const auto of = [&](DecoyReaders readers, const Actor& actor, const char* program) {
    return watch::decoy_severity(readers, actor, program, true);
  };
  CHECK(of(DecoyReaders::http_clients, package_manager, "/usr/bin/python3") == Severity::info);
  CHECK(of(DecoyReaders::http_clients, script(), "/usr/bin/git") == Severity::notice);
  CHECK(of(DecoyReaders::http_clients, script(), "/usr/bin/cat") == Severity::alert);
  CHECK(of(DecoyReaders::nobody, package_manager, "/usr/bin/git") == Severity::alert);
  CHECK(watch::decoy_severity(DecoyReaders::http_clients, script(), "/tmp/curl", false) ==
        Severity::alert);
}

TEST_CASE("a thread's system call tells which path it opens") {
  const auto call =
      watch::parse_opening_call("257 0xffffff9c 0x7ffc9c34d8ce 0x0 0x0 0x0 0x0 0x1 0x2");
  REQUIRE(call);
  CHECK(call->directory == AT_FDCWD);
  CHECK(call->path == 0x7ffc9c34d8ce);
  for (const char* line :
       {"", "running", "running\n", "-1 0x7ffc 0x7f52", "0 0x3 0x7ffc 0x1", "257", "257 0xffffff9c",
        "257 0xzz 0x1", "99999999999999999999 0x1 0x2"}) {
    CAPTURE(line);
    CHECK_FALSE(watch::parse_opening_call(line));
  }
}
