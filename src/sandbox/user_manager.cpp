// Must:     ask by a child, which loads the library: the supervisor gets none of its code, and
//           waits no longer than kPatience.
// Must not: ask anybody but the caller's own manager, by its own socket: a session's bus is found
//           by a variable.

#include "sandbox/user_manager.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>

#include "base/format.h"
#include "base/io.h"
#include "base/path.h"
#include "base/shared_library.h"
#include "base/text.h"
#include "sandbox/control_group_place.h"

namespace sandbox_run::sandbox {
namespace {

using base::join_path;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{500};  // with a manager that is busy

/// The few functions of sd-bus(3) that are used. Declared here: its header is not needed to build.
struct Bus;  // sd_bus
class BusLibrary {
 public:
  BusLibrary() {
    library_.load(make, "sd_bus_new");
    library_.load(set_address, "sd_bus_set_address");
    library_.load(start, "sd_bus_start");
    library_.load(set_timeout, "sd_bus_set_method_call_timeout");
    library_.load(call, "sd_bus_call_method");
  }
  bool loaded() const { return library_.loaded(); }

  int (*make)(Bus** bus) = nullptr;
  int (*set_address)(Bus* bus, const char* address) = nullptr;
  int (*start)(Bus* bus) = nullptr;
  int (*set_timeout)(Bus* bus, std::uint64_t microseconds) = nullptr;
  int (*call)(Bus* bus, const char* destination, const char* path, const char* interface,
              const char* member, void* error, void** reply, const char* types, ...) = nullptr;

 private:
  base::SharedLibrary library_{"libsystemd.so.0"};
};

/// In the child, which ends afterwards: nothing is freed.
bool ask(const std::string& socket, const std::string& scope, pid_t process) {
  constexpr auto kMicroseconds =
      static_cast<std::uint64_t>(std::chrono::microseconds(kPatience).count());
  const BusLibrary library;
  Bus* bus = nullptr;
  if (!library.loaded() || library.make(&bus) < 0 ||
      library.set_address(bus, ("unix:path=" + socket).c_str()) < 0 || library.start(bus) < 0) {
    return false;
  }
  library.set_timeout(bus, kMicroseconds);
  const int properties = 4;
  return library.call(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                      "org.freedesktop.systemd1.Manager", "StartTransientUnit", nullptr, nullptr,
                      "ssa(sv)a(sa(sv))", scope.c_str(), "fail", properties,  //
                      "Description", "s", "sandbox-run",                      //
                      "CollectMode", "s", "inactive-or-failed",               //
                      "Delegate", "b", 1,                                     //
                      "PIDs", "au", 1, static_cast<std::uint32_t>(process), 0) >= 0;
}

std::string own_group() {
  const auto groups = base::read_file_if_readable("/proc/self/cgroup");
  const auto mounts = base::read_file_if_readable("/proc/self/mountinfo");
  return groups && mounts ? control_group_place(*groups, *mounts, "").path : "";
}

/// A group with processes of its own can give its children no controllers.
bool make_room_in(const std::string& group) {
  constexpr mode_t kMode = 0755;
  const std::string own = join_path(group, "supervisor");
  if (::mkdir(own.c_str(), kMode) != 0) return false;
  const base::UniqueFd there(::open(join_path(own, "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  const auto processes = base::read_file_if_readable(join_path(group, "cgroup.procs"));
  if (!there || !processes) return false;
  for (const std::string& process : base::split(*processes, '\n')) {
    // One of them may have ended.
    if (!process.empty() && ::write(there.get(), process.data(), process.size()) < 0 &&
        errno != ESRCH) {
      return false;
    }
  }
  return true;
}

std::string socket_of_manager() {
  std::string socket = base::format("/run/user/{}/systemd/private", ::geteuid());
  struct stat status {};
  const bool is_there = ::stat(socket.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) &&
                        status.st_uid == ::geteuid();
  return is_there ? socket : "";
}

}  // namespace

ScopeRequest::ScopeRequest(const std::string& name) : scope_(name + ".scope") {
  const std::string socket = socket_of_manager();
  if (socket.empty()) return;
  const pid_t self = ::getpid();
  child_ = ::fork();
  if (child_ == 0) ::_exit(ask(socket, scope_, self) ? EXIT_SUCCESS : EXIT_FAILURE);
  if (child_ > 0) {
    ended_ = base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, child_, 0)));
  }
}

ScopeRequest::~ScopeRequest() {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

bool ScopeRequest::is_answered() {
  pollfd wait{ended_.get(), POLLIN, 0};
  if (child_ <= 0 || !ended_ || ::poll(&wait, 1, static_cast<int>(kPatience.count())) != 1) {
    return false;
  }
  int status = 0;
  const bool reaped = ::waitpid(child_, &status, 0) == child_;
  child_ = -1;
  return reaped && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/// The manager answers before it is done.
std::string ScopeRequest::wait_for_move() const {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    std::string group = own_group();
    if (base::file_name(group) == scope_) return group;
    ::poll(nullptr, 0, 1);
  }
  return "";
}

std::string ScopeRequest::enter() {
  if (!is_answered()) return "";
  std::string group = wait_for_move();
  return !group.empty() && make_room_in(group) ? group : "";
}

}  // namespace sandbox_run::sandbox
