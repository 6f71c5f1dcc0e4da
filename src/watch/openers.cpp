#include "watch/openers.h"

#include <asm/unistd.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>

#include "base/unique_fd.h"
#include "watch/process_files.h"
#include "watch/remote_memory.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxProcesses = 4096;
constexpr std::size_t kMaxThreads = 16384;  // in one look: a package may start as many as it likes
constexpr std::size_t kMaxDescriptors = 65536;

std::string read_small(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 256> text;
  const ssize_t length = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
  return length <= 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(length));
}

}  // namespace

std::vector<int> processes_since(const Since& since) {
  std::vector<int> pids = numbers_in("/proc", 1U << 20);
  const auto is_older = [&](int pid) {
    if (pid == ::getpid()) return true;  // it may have started in the same clock tick
    if (pid >= since.init.pid) return false;
    if (since.by == Since::By::number) return true;
    const auto status = read_process_status(pid);
    return !status || status->id.start < since.init.start;
  };
  pids.erase(std::remove_if(pids.begin(), pids.end(), is_older), pids.end());
  std::sort(pids.rbegin(), pids.rend());
  if (pids.size() > kMaxProcesses) pids.resize(kMaxProcesses);
  return pids;
}

std::optional<OpeningCall> parse_opening_call(std::string_view line) {
  constexpr std::size_t kFields = 3;  // the number, and the first two arguments
  std::array<std::uint64_t, kFields> fields{};
  for (std::size_t i = 0; i < kFields; ++i) {
    const bool hex = line.starts_with("0x");
    if (hex) line.remove_prefix(2);
    const auto [end, error] =
        std::from_chars(line.data(), line.data() + line.size(), fields[i], hex ? 16 : 10);
    if (error != std::errc()) return std::nullopt;  // "running", or -1: not in a call
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    if (i + 1 < kFields && !line.starts_with(' ')) return std::nullopt;
    if (!line.empty()) line.remove_prefix(1);
  }
  switch (fields[0]) {
#if defined(__x86_64__)
    case __NR_open:
    case __NR_creat:
#endif
    case __NR_truncate:
    case __NR_execve:
      return OpeningCall{AT_FDCWD, fields[1]};
    case __NR_openat:
    case __NR_openat2:
    case __NR_execveat:
      return OpeningCall{static_cast<int>(static_cast<std::uint32_t>(fields[1])), fields[2]};
    default:
      return std::nullopt;
  }
}

std::size_t for_each_opener(const Since& since, const std::function<void(const Opener&)>& found) {
  std::size_t looked_at = 0;
  for (const int pid : processes_since(since)) {
    const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
    for (const int thread : numbers_in(tasks, kMaxThreads)) {
      if (++looked_at > kMaxThreads) return looked_at;
      Opener opener;
      opener.call = read_small(tasks + "/" + std::to_string(thread) + "/syscall");
      const auto call = parse_opening_call(opener.call);
      if (!call) continue;
      opener.thread = thread;
      opener.given = RemoteMemory(thread).read_string(call->path, PATH_MAX).value_or("");
      opener.look = ProcessRoot(thread, call->directory).look_up(opener.given);
      found(opener);
    }
  }
  return looked_at;
}

std::vector<int> holders_of(const Since& since, const struct stat& file) {
  std::vector<int> holders;
  std::size_t looked_at = 0;
  for (const int pid : processes_since(since)) {
    const std::string path = "/proc/" + std::to_string(pid) + "/fd";
    for (const int fd : numbers_in(path, kMaxDescriptors)) {
      if (++looked_at > kMaxDescriptors) return holders;
      struct stat status {};
      if (::stat((path + "/" + std::to_string(fd)).c_str(), &status) != 0) continue;
      if (status.st_dev != file.st_dev || status.st_ino != file.st_ino) continue;
      holders.push_back(pid);
      break;
    }
  }
  return holders;
}

}  // namespace sandbox_run::watch
