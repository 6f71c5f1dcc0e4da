// libFuzzer: any text as what a process says of itself when it executes something: the program, the
// working directory, the arguments, the environment, the caller; and any bytes as its memory.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "fuzz.h"
#include "policy/command_words.h"
#include "watch/actor.h"
#include "watch/process_files.h"
#include "watch/remote_memory.h"

namespace {

using namespace sandbox_run;
using events::Actor;
using fuzz::require;
using policy::PackageManager;

constexpr std::size_t kPage = 4096;

watch::ExecFacts facts_of(const std::vector<std::string>& texts) {
  watch::ExecFacts exec;
  exec.path = texts[0];
  exec.working_directory = texts[1];
  exec.arguments = fuzz::lines_of(texts[2]);
  for (const std::string& line : fuzz::lines_of(texts[3])) {
    const std::size_t end = std::min(line.find('='), line.size());
    if (!watch::is_telling_variable(line.substr(0, end))) continue;
    exec.environment.emplace_back(line.substr(0, end), line.substr(std::min(end + 1, line.size())));
  }
  exec.distribution = {"d", "1"};
  return exec;
}

/// Whatever it says: who is a script stays one, and nobody becomes a package manager by his words.
void check_actor(const watch::ExecFacts& exec) {
  const Actor manager{Actor::Kind::package_manager, "", "", ""};
  const Actor script{Actor::Kind::script, "evil", "1.0.0", "postinstall"};
  const Actor nobody{Actor::Kind::unknown, "", "", ""};
  for (const PackageManager kind :
       {PackageManager::none, PackageManager::npm, PackageManager::pnpm, PackageManager::yarn,
        PackageManager::pip, PackageManager::bun, PackageManager::deno}) {
    const auto of_script = watch::actor_for(kind, exec, script, "/home/u/app");
    require(!of_script || *of_script == script);
    for (const Actor& parent : {manager, nobody}) {
      const auto actor = watch::actor_for(kind, exec, parent, "/home/u/app");
      require(!actor || actor->kind != Actor::Kind::package_manager || parent == manager);
      if (actor) require(!fuzz::has_control(events::to_words(*actor)));
    }
  }
  require(watch::actor_of_deno_script(exec).kind != Actor::Kind::package_manager);
  (void)watch::is_script_of_deno(exec);
  (void)watch::python_build_step(exec);
  (void)watch::package_directory(exec);
  require(watch::same_lifecycle(exec, exec));
  (void)policy::command_words(exec.arguments);
}

/// The bytes at the end of what can be read: as a string from each of a few places.
void check_memory(std::string_view bytes) {
  static char* const memory = [] {
    void* const pages =
        ::mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ::mprotect(static_cast<char*>(pages) + 2 * kPage, kPage, PROT_NONE);
    return static_cast<char*>(pages);
  }();
  const std::size_t count = std::min(bytes.size(), 2 * kPage);
  char* const begin = memory + 2 * kPage - count;
  std::memcpy(begin, bytes.data(), count);
  watch::RemoteMemory remote(::getpid());
  for (const std::size_t at : {std::size_t{0}, count / 2, count - count / 3}) {
    for (const std::size_t max : {std::size_t{1}, std::size_t{100}, 3 * kPage}) {
      const auto read = remote.read_string(reinterpret_cast<std::uint64_t>(begin) + at, max);
      const std::string_view rest = bytes.substr(at, count - at);
      const std::size_t end = rest.find('\0');
      const bool ends = end != std::string_view::npos || rest.size() >= max;
      require(read.has_value() == ends);
      if (read) require(*read == rest.substr(0, std::min(end, max)));
    }
  }
  bool complete = true;
  const auto pointers = remote.read_pointers(reinterpret_cast<std::uint64_t>(begin), 64, complete);
  require(pointers.size() <= 64);
}

void check_stat(std::string_view text) {
  const auto status = watch::parse_process_stat(42, text);
  if (status) require(status->id.pid == 42);
  // No name of a process can change what is said behind it.
  constexpr std::string_view kRest = " S 7 8 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0";
  const auto named = watch::parse_process_stat(42, "42 (" + std::string(text) + ")" + kRest.data());
  require(named && named->parent == 7 && named->id.start == 12345);
}

}  // namespace

FUZZ_TARGET(exec, data, size) {
  constexpr std::size_t kLongest = 3 * kPage;
  if (size > kLongest) return 0;
  check_actor(facts_of(fuzz::texts_of(data, size, 4)));
  check_memory(fuzz::text_of(data, size));
  check_stat(fuzz::text_of(data, size));
  return 0;
}
