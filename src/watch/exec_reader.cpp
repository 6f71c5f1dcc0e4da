// What a thread in execve(2) asks for, read from outside while it waits.
//
// Must:     bound everything: argv, environment and strings are as long as the package likes.
// Must not: open a file of the package's for reading, follow its links outside its root, or wait.

#include "watch/exec_reader.h"

#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "base/path.h"
#include "base/unique_fd.h"
#include "watch/distribution.h"
#include "watch/process_files.h"
#include "watch/remote_memory.h"
#include "watch/trusted_programs.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxString = 4096;
constexpr std::size_t kMaxArguments = 64;
constexpr std::size_t kMaxEnvironmentEntries = 4096;
constexpr std::size_t kMaxEnvironmentBytes = 1U << 20;

#if defined(__x86_64__)
constexpr std::uint32_t kNativeArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kNativeArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "unsupported architecture"
#endif

/// The arguments of execve(2) and execveat(2), side by side.
struct Call {
  int directory = AT_FDCWD;
  std::uint64_t path = 0;
  std::uint64_t arguments = 0;
  std::uint64_t environment = 0;
  bool empty_path_allowed = false;
};

Call arguments_of(const seccomp_data& data) {
  if (data.nr != __NR_execveat) return {AT_FDCWD, data.args[0], data.args[1], data.args[2], false};
  return {static_cast<int>(data.args[0]), data.args[1], data.args[2], data.args[3],
          (data.args[4] & AT_EMPTY_PATH) != 0};
}

std::string directory_link(int directory) {
  return directory == AT_FDCWD ? "cwd" : "fd/" + std::to_string(directory);
}

void read_environment(RemoteMemory& memory, std::uint64_t address, ExecReading& reading) {
  std::size_t bytes = 0;
  for (const std::uint64_t pointer :
       memory.read_pointers(address, kMaxEnvironmentEntries, reading.complete)) {
    const auto entry = memory.read_string(pointer, kMaxString);
    if (!entry || bytes > kMaxEnvironmentBytes) {
      reading.complete = false;
      return;
    }
    bytes += entry->size();
    const std::size_t equals = entry->find('=');
    if (equals == std::string::npos) continue;
    const std::string_view name = std::string_view(*entry).substr(0, equals);
    if (is_loader_variable(name)) {
      if (entry->size() == kMaxString) reading.complete = false;  // cut: it may say anything
      reading.facts.loader_environment.push_back(*entry);
    }
    if (is_telling_variable(name)) {
      reading.facts.environment.emplace_back(entry->substr(0, equals), entry->substr(equals + 1));
    }
  }
}

void read_arguments(RemoteMemory& memory, std::uint64_t address, ExecReading& reading) {
  bool all = true;  // more arguments than are read are common (compilers, linkers), and no loss
  const auto pointers = memory.read_pointers(address, kMaxArguments, all);
  if (!all && pointers.size() < kMaxArguments) reading.complete = false;
  for (const std::uint64_t pointer : pointers) {
    const auto argument = memory.read_string(pointer, kMaxString);
    if (!argument) {
      reading.complete = false;
      return;
    }
    reading.facts.arguments.push_back(*argument);
  }
}

}  // namespace

ExecPath read_exec_path(int thread, const seccomp_data& data) {
  ExecPath where;
  where.working_directory = read_process_link(thread, "cwd");
  if (data.arch != kNativeArchitecture) return where;  // the sandbox's filter refuses the others
  const Call call = arguments_of(data);
  RemoteMemory memory(thread);
  const auto path = memory.read_string(call.path, PATH_MAX);
  if (!path) return where;
  where.readable = true;
  where.plain = data.nr != __NR_execveat;
  where.given = *path;
  if (path->empty()) {
    where.by_descriptor = call.empty_path_allowed;
    if (where.by_descriptor) where.path = read_process_link(thread, directory_link(call.directory));
    return where;
  }
  const std::string from = path->front() == '/' ? "/"
                           : call.directory == AT_FDCWD
                               ? where.working_directory
                               : read_process_link(thread, directory_link(call.directory));
  where.path = base::absolute_path(*path, from);
  return where;
}

Look look_at(const ProcessRoot& root, const ExecPath& where) {
  return where.readable && where.plain ? root.look_up(where.given) : Look{};
}

int certain_error(const ExecPath& where, const Look& program) {
  if (!where.readable || !where.plain) return 0;
  if (where.given.empty()) return ENOENT;
  if (program.result == Look::Result::missing) return program.error;
  if (program.result == Look::Result::unclear) return 0;
  const mode_t mode = program.status.st_mode;
  return S_ISREG(mode) && (mode & 0111) != 0 ? 0 : EACCES;
}

ExecReading read_exec(int thread, const seccomp_data& data, ExecPath where) {
  ExecReading reading;
  reading.complete = where.readable;
  reading.facts.path = std::move(where.path);
  reading.facts.working_directory = std::move(where.working_directory);
  if (data.arch != kNativeArchitecture) return reading;
  const Call call = arguments_of(data);
  RemoteMemory memory(thread);
  read_arguments(memory, call.arguments, reading);
  read_environment(memory, call.environment, reading);
  std::sort(reading.facts.loader_environment.begin(), reading.facts.loader_environment.end());
  const bool of_python = !python_build_step(reading.facts).empty();
  if (of_python || is_script_of_deno(reading.facts)) {
    const std::string cwd = "/proc/" + std::to_string(thread) + "/cwd";
    const base::UniqueFd directory(::open(cwd.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (directory && of_python) {
      reading.facts.distribution =
          read_distribution(directory.get(), reading.facts.working_directory);
    } else if (directory) {
      reading.facts.install_event = read_install_event(directory.get());
    }
  }
  return reading;
}

}  // namespace sandbox_run::watch
