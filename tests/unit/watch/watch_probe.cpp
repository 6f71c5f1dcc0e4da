// What a package's script might do to lose its actor, or to upset who watches it. Exit status 0:
// all went as a program may expect it to; started by exec_watch_test.

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

namespace {

constexpr int kBadTry = 99;

bool exits_with_zero(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Double fork and setsid(2), without any exec; the grandchild execs when its parent is gone.
int orphan(char** command) {
  const pid_t child = ::fork();
  if (child < 0) return kBadTry;
  if (child > 0) return exits_with_zero(child) ? 0 : 1;
  ::setsid();
  const pid_t parent = ::getpid();
  const pid_t grandchild = ::fork();
  if (grandchild != 0) ::_exit(grandchild < 0 ? kBadTry : 0);
  while (::getppid() == parent) ::sched_yield();
  ::execv(command[0], command);
  ::_exit(kBadTry);
}

/// As orphan(), after it has written over its arguments.
int renamed_orphan(int count, char** arguments, char** command) {
  static char* copy[16];
  for (int i = 0; command[i] != nullptr && i < 15; ++i) copy[i] = ::strdup(command[i]);
  for (int i = 0; i < count; ++i) std::memset(arguments[i], 'x', std::strlen(arguments[i]));
  return orphan(copy);
}

int burst(int count, char** command) {
  for (int i = 0; i < count; ++i) {
    const pid_t child = ::vfork();
    if (child < 0) return kBadTry;
    if (child == 0) {
      ::execv(command[0], command);
      ::_exit(kBadTry);
    }
    if (!exits_with_zero(child)) return 1;
  }
  return 0;
}

/// The kernel itself must answer, as without a watch.
int bad_pointers() {
  char* const no_strings[] = {nullptr};
  char* const bad_strings[] = {reinterpret_cast<char*>(8), nullptr};
  auto* const bad = reinterpret_cast<char*>(8);
  auto* const bad_list = reinterpret_cast<char* const*>(8);
  const auto is_fault = [](int result) { return result == -1 && errno == EFAULT; };
  const bool good = is_fault(::execve(bad, no_strings, no_strings)) &&
                    is_fault(::execve("/bin/true", bad_list, no_strings)) &&
                    is_fault(::execve("/bin/true", bad_strings, no_strings)) &&
                    is_fault(::execve("/bin/true", no_strings, bad_list));
  const bool missing = ::execve("", no_strings, no_strings) == -1 && errno == ENOENT;
  return good && missing ? 0 : 1;
}

int from_memory(const char* program) {
  const int source = ::open(program, O_RDONLY | O_CLOEXEC);
  const int memory = ::memfd_create("hidden", MFD_CLOEXEC);
  char buffer[65536];
  for (ssize_t got = 0; (got = ::read(source, buffer, sizeof(buffer))) > 0;) {
    if (::write(memory, buffer, static_cast<std::size_t>(got)) != got) return kBadTry;
  }
  char name[] = "innocent";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {nullptr};
  ::syscall(SYS_execveat, memory, "", arguments, environment, AT_EMPTY_PATH);
  return kBadTry;
}

/// Fifty thousand arguments and environment entries.
int huge(char* program) {
  constexpr int kCount = 50'000;
  static char* strings[kCount + 1];
  static char entry[] = "x=y";
  for (int i = 0; i < kCount; ++i) strings[i] = entry;
  ::execve(program, strings, strings);
  return kBadTry;
}

/// A second thread moves `path`, a copy of `program`, away and back while children execute it. The
/// last exec says how many could.
int flip(const std::string& path, const char* program) {
  std::filesystem::copy_file(program, path);
  std::atomic<bool> done = false;
  std::thread mover([&] {
    const std::string away = path + ".away";
    while (!done) {
      ::rename(path.c_str(), away.c_str());
      ::rename(away.c_str(), path.c_str());
    }
  });
  int executed = 0;
  char* const arguments[] = {const_cast<char*>(path.c_str()), nullptr};
  for (int i = 0; i < 400; ++i) {
    const pid_t child = ::vfork();
    if (child == 0) {
      ::execve(path.c_str(), arguments, arguments + 1);
      ::_exit(kBadTry);
    }
    if (exits_with_zero(child)) ++executed;
  }
  done = true;
  mover.join();
  std::string count = std::to_string(executed);
  char* const last[] = {const_cast<char*>(program), count.data(), nullptr};
  ::execv(program, last);
  return kBadTry;
}

bool fails_with(int error, const std::string& path) {
  char* const nothing[] = {nullptr};
  return ::execve(path.c_str(), nothing, nothing) == -1 && errno == error;
}

/// In the new directory `place`.
int errors(const std::string& place) {
  std::filesystem::create_directories(place + "/directory");
  std::filesystem::create_symlink("directory", place + "/link");
  std::filesystem::create_symlink("nowhere", place + "/dangling");
  std::ofstream(place + "/text") << "text";
  std::ofstream(place + "/script") << "#!/nonexistent/interpreter\n";
  std::filesystem::permissions(place + "/script", std::filesystem::perms::all);
  if (::chdir((place + "/directory").c_str()) != 0) return kBadTry;
  const bool good = fails_with(ENOENT, "") && fails_with(ENOENT, "nowhere") &&
                    fails_with(ENOENT, "../dangling") &&
                    fails_with(ENOENT, place + "/link/../nowhere") &&
                    fails_with(ENOTDIR, "../text/x") && fails_with(ENOTDIR, "../script/") &&
                    fails_with(EACCES, "../text") && fails_with(EACCES, place + "/link") &&
                    fails_with(ENOENT, "../script") && fails_with(ENOENT, "/proc/self/nowhere") &&
                    fails_with(ENAMETOOLONG, std::string(5000, 'x'));
  if (!good) return 1;
  std::filesystem::create_symlink("/proc/self/exe", "self");  // and this one leads somewhere
  char name[] = "self";
  char mode[] = "succeed";
  char* const arguments[] = {name, mode, nullptr};
  ::execve("self", arguments, arguments + 2);
  return kBadTry;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return kBadTry;
  const std::string_view mode = arguments[1];
  if (mode == "orphan" && count > 2) return orphan(arguments + 2);
  if (mode == "renamed-orphan" && count > 2) return renamed_orphan(count, arguments, arguments + 2);
  if (mode == "burst" && count > 3) return burst(std::atoi(arguments[2]), arguments + 3);
  if (mode == "flip" && count > 3) return flip(arguments[2], arguments[3]);
  if (mode == "errors" && count > 2) return errors(arguments[2]);
  if (mode == "succeed") return 0;
  if (mode == "wait") return ::pause();
  if (mode == "bad-pointers") return bad_pointers();
  if (mode == "from-memory" && count > 2) return from_memory(arguments[2]);
  if (mode == "huge" && count > 2) return huge(arguments[2]);
  if (mode == "unreadable" && count > 2) {
    ::prctl(PR_SET_DUMPABLE, 0);
    ::execv(arguments[2], arguments + 2);
  }
  return kBadTry;
}
