#include "watch/process_files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace sandbox_run::watch {
namespace {

TEST_CASE("a process's name cannot forge its parent or start time") {
  const std::string rest =
      " S 7 8 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0 18446744073709551615 0";
  for (const std::string name : {"sh", "a b", ") S 1 1 1", "x\n) R 1", "((", "))"}) {
    CAPTURE(name);
    const auto status = parse_process_stat(42, "42 (" + name + ")" + rest);
    REQUIRE(status);
    CHECK(status->id == ProcessId{42, 12345});
    CHECK(status->parent == 7);
    CHECK(status->group == 8);
    CHECK(status->session == 9);
  }
}

TEST_CASE("a zombie has ended, a process whose first thread has ended has not") {
  const auto ended = [](const std::string& state, const std::string& threads,
                        const std::string& flags = "4194304") {
    return parse_process_stat(42, "42 (sh) " + state + " 7 8 9 0 -1 " + flags +
                                      " 0 0 0 0 0 0 0 0 20 0 " + threads + " 0 12345 0 0")
        ->ended;
  };
  CHECK(ended("R", "1", "4194380"));  // on its way out
  CHECK_FALSE(ended("R", "2", "4194380"));
  CHECK(ended("Z", "1"));
  CHECK_FALSE(ended("Z", "2"));
  CHECK_FALSE(ended("S", "1"));
}

TEST_CASE("a status that is cut short is none") {
  for (const char* text : {"", "42", "42 (sh)", "42 (sh) ", "42 (sh) S", "42 (sh) S 1 2",
                           "42 (sh) S x 2 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 9"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_process_stat(42, text));
  }
}

TEST_CASE("a process that is gone is nothing, not an error") {
  CHECK_FALSE(read_process_status(0));
  CHECK(read_process_file(0, "environ", 100).empty());
  CHECK(read_process_link(0, "cwd").empty());
  CHECK(process_of_thread(0) == 0);
}

TEST_CASE("a descriptor says how it was opened") {
  const base::UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const auto flags = descriptor_flags(::getpid(), null.get());
  REQUIRE(flags);
  CHECK((*flags & O_ACCMODE) == O_WRONLY);
  CHECK((*flags & O_CLOEXEC) != 0);
  CHECK_FALSE(descriptor_flags(::getpid(), 1'000'000));
}

TEST_CASE("a process that is there is among its parent's children") {
  const int child = ::fork();
  if (child == 0) ::pause();
  REQUIRE(child > 0);
  const std::vector<int> children = children_of(::getpid(), 100);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(children == std::vector<int>{child});
}

TEST_CASE("a thread leads to its process") {
  int found = 0;
  std::thread([&] { found = process_of_thread(static_cast<int>(::syscall(SYS_gettid))); }).join();
  CHECK(found == ::getpid());
  CHECK(process_of_thread(::getpid()) == ::getpid());
  const auto status = read_process_status(::getpid());
  REQUIRE(status);
  CHECK(status->parent == ::getppid());
}

}  // namespace
}  // namespace sandbox_run::watch
