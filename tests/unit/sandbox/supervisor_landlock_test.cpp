#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <functional>

#include "base/unique_fd.h"
#include "sandbox/landlock.h"
#include "scratch_directory.h"

using sandbox_run::base::UniqueFd;
using sandbox_run::plan::SupervisorFiles;
using sandbox_run::test::ScratchDirectory;

namespace {

int landlock_abi() {
  return static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
}

/// What `act` returns in a process that is confined to `files`.
int confined(const SupervisorFiles& files, const std::string& sandbox_root,
             const std::function<int()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    const UniqueFd root(::open(sandbox_root.c_str(), O_PATH | O_CLOEXEC));
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const int roots[] = {root.get()};
    sandbox_run::sandbox::restrict_supervisor_by_landlock(files, roots, {}, landlock_abi());
    ::_exit(act());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int error_of(int result) { return result >= 0 ? 0 : errno; }

int error_of_open(const std::string& path, int flags) {
  return error_of(::open(path.c_str(), flags | O_CLOEXEC, 0600));
}

}  // namespace

TEST_CASE("the supervisor keeps what its run needs of the host, and nothing else") {
  REQUIRE(landlock_abi() >= 2);
  const ScratchDirectory scratch;
  const std::string top = scratch.path();
  for (const char* name : {"home", "state", "project", "system", "inside", "cache"}) {
    std::ofstream(scratch.make(name) + "/file") << "x";
  }
  const SupervisorFiles files{
      {top + "/system"}, {top + "/state", top + "/project", top + "/not-there"}, {top + "/cache"}};
  const auto under = [&](const std::function<int()>& act) {
    return confined(files, top + "/inside", act);
  };
  SUBCASE("a credential at home") {
    const std::string file = top + "/home/file";
    CHECK(error_of_open(file, O_RDONLY) == 0);  // control
    CHECK(under([&] { return error_of_open(file, O_RDONLY); }) == EACCES);
    CHECK(under([&] { return error_of_open(file, O_WRONLY); }) == EACCES);
    CHECK(under([&] { return error_of_open(top + "/home/new", O_WRONLY | O_CREAT); }) == EACCES);
    CHECK(under([&] { return error_of(::unlink(file.c_str())); }) == EACCES);
  }
  SUBCASE("what libc reads") {
    CHECK(under([&] { return error_of_open(top + "/system/file", O_RDONLY); }) == 0);
    CHECK(under([&] { return error_of_open(top + "/system/file", O_WRONLY); }) == EACCES);
  }
  SUBCASE("a commit: an entry is exchanged from the state into the project") {
    CHECK(under([&] {
            const std::string layer = top + "/state/file";
            const std::string entry = top + "/project/file";
            return error_of(
                ::renameat2(AT_FDCWD, layer.c_str(), AT_FDCWD, entry.c_str(), RENAME_EXCHANGE));
          }) == 0);
    CHECK(under([&] { return error_of_open(top + "/project/new", O_WRONLY | O_CREAT); }) == 0);
  }
  SUBCASE("out of the project") {
    CHECK(under([&] {
            return error_of(::rename((top + "/project/file").c_str(), (top + "/home/x").c_str()));
          }) == EACCES);
  }
  SUBCASE("where an empty directory may have to go again: that, and no more") {
    const std::string empty = scratch.make("cache/empty");
    CHECK(under([&] { return error_of_open(top + "/cache/new", O_WRONLY | O_CREAT); }) == EACCES);
    CHECK(under([&] { return error_of_open(top + "/cache/file", O_RDONLY); }) == EACCES);
    CHECK(under([&] { return error_of(::mkdir((top + "/cache/x").c_str(), 0700)); }) == EACCES);
    CHECK(under([&] { return error_of(::rmdir(empty.c_str())); }) == 0);
  }
  SUBCASE("all of the sandbox: the sandboxee is in the same domain") {
    CHECK(under([&] { return error_of_open(top + "/inside/new", O_WRONLY | O_CREAT); }) == 0);
  }
}

TEST_CASE("a unix socket that has a name but no path is out of the supervisor's reach") {
  if (landlock_abi() < 6) return;
  const ScratchDirectory scratch;
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string name = "sandbox-run-test-" + std::to_string(::getpid());
  name.copy(address.sun_path + 1, name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const auto* target = reinterpret_cast<const sockaddr*>(&address);
  const UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(listening.get(), target, length) == 0);
  REQUIRE(::listen(listening.get(), 4) == 0);
  const auto error_of_connect = [&] {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return error_of(::connect(socket.get(), target, length));
  };
  CHECK(error_of_connect() == 0);  // control
  CHECK(confined({}, scratch.make("inside"), error_of_connect) == EPERM);
}
