#include "watch/process_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <limits>
#include <memory>

#include "base/format.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxStat = 4096;
constexpr std::size_t kMaxStatus = 16384;

template <typename Number>
std::optional<Number> number_at(std::string_view text, int base = 10) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

/// Of a file of lines "Name:   number".
template <typename Number>
std::optional<Number> number_behind(std::string_view key, std::string_view text, int base = 10) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  return number_at<Number>(base::trim(text.substr(at + key.size())), base);
}

std::string process_path(int pid, std::string_view name) {
  return base::format("/proc/{}/{}", pid, name);
}

}  // namespace

std::optional<ProcessStatus> parse_process_stat(int pid, std::string_view text) {
  constexpr std::size_t kFields = 20;  // from field 3, the state, to field 22, the start time
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 > text.size()) return std::nullopt;
  text.remove_prefix(name_end + 2);
  std::array<std::string_view, kFields> fields;
  for (std::string_view& field : fields) {
    const std::size_t end = text.find(' ');
    field = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  const auto parent = number_at<int>(fields[1]);
  const auto group = number_at<int>(fields[2]);
  const auto session = number_at<int>(fields[3]);
  const auto start = number_at<std::uint64_t>(fields[19]);
  const auto threads = number_at<int>(fields[17]);
  if (!parent || !group || !session || !start || !threads) return std::nullopt;
  constexpr unsigned kExiting = 0x4;  // PF_EXITING, include/linux/sched.h
  const bool exiting = (number_at<unsigned>(fields[6]).value_or(0) & kExiting) != 0;
  // With more threads than one it is the first that has ended, and the process goes on.
  const bool ended = (fields[0] == "Z" || fields[0] == "X" || exiting) && *threads <= 1;
  return ProcessStatus{{pid, *start}, ended, *parent, *group, *session};
}

std::optional<ProcessStatus> read_process_status(int pid) {
  const base::UniqueFd fd(::open(process_path(pid, "stat").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, kMaxStat> text;
  const ssize_t length = fd ? ::read(fd.get(), text.data(), text.size()) : -1;  // all at once
  if (length < 0) return std::nullopt;
  return parse_process_stat(pid, std::string_view(text.data(), static_cast<std::size_t>(length)));
}

std::optional<std::int64_t> peak_memory_of(int pid) {
  return number_behind<std::int64_t>("\nVmHWM:", read_process_file(pid, "status", kMaxStatus));
}

std::optional<unsigned> descriptor_flags(int pid, int fd) {
  const std::string name = base::format("fdinfo/{}", fd);
  constexpr int kOctal = 8;
  return number_behind<unsigned>("\nflags:", read_process_file(pid, name, kMaxStatus), kOctal);
}

std::vector<int> children_of(int pid, std::size_t max) {
  const std::string list = read_process_file(pid, base::format("task/{}/children", pid),
                                             max * (std::numeric_limits<int>::digits10 + 2));
  std::vector<int> children;
  for (const std::string& word : base::split(list, ' ')) {
    const auto child = number_at<int>(word);
    if (child && children.size() < max) children.push_back(*child);
  }
  return children;
}

int process_of_thread(int thread) {
  // pidfd_open(2) takes processes only (without PIDFD_THREAD): cheaper than to read a file.
  const base::UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, thread, 0)));
  if (process) return thread;
  const std::string status = read_process_file(thread, "status", kMaxStatus);
  return number_behind<int>("\nTgid:", status).value_or(thread);
}

std::vector<int> numbers_in(const std::string& path, std::size_t max) {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) return numbers;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name(entry->d_name);
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    numbers.push_back(number);
    if (numbers.size() == max) break;
  }
  return numbers;
}

std::string read_up_to(int fd, std::size_t max_bytes) {
  std::string text(max_bytes, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = ::read(fd, text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  text.resize(length);
  return text;
}

std::string read_process_file(int pid, std::string_view name, std::size_t max_bytes) {
  const base::UniqueFd fd(::open(process_path(pid, name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  return read_up_to(fd.get(), max_bytes);
}

std::string read_process_link(int pid, std::string_view name) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = ::readlink(process_path(pid, name).c_str(), target.data(), target.size());
  return length < 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(length));
}

}  // namespace sandbox_run::watch
