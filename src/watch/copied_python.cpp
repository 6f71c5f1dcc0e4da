#include "watch/copied_python.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "base/path.h"
#include "base/text.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {
namespace {

constexpr off_t kMaxInterpreter = off_t{64} << 20;
constexpr std::size_t kMaxSettings = 64U << 10;

bool same_time(const timespec& one, const timespec& other) {
  return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

/// Nobody inside can set a ctime.
bool is_same(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino && one.st_size == other.st_size &&
         same_time(one.st_ctim, other.st_ctim);
}

/// Could it change once more, and have the same ctime?
bool is_fresh(const struct stat& status) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kTick = 50'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t age =
      (now.tv_sec - status.st_ctim.tv_sec) * kSecond + (now.tv_nsec - status.st_ctim.tv_nsec);
  return age < kTick;
}

/// The directory of the Python that the environment was made with; "" if nothing says so.
std::string home_of(const ProcessRoot& root, const std::string& prefix) {
  const base::UniqueFd file = root.open(base::join_path(prefix, "pyvenv.cfg"));
  if (!file) return {};
  const std::string text = read_up_to(file.get(), kMaxSettings);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || base::trim(line.substr(0, equals)) != "home") continue;
    const std::string home(base::trim(line.substr(equals + 1)));
    return home.starts_with('/') ? home : "";
  }
  return {};
}

bool has_same_bytes(int one, int other) {
  constexpr std::size_t kStep = 64U << 10;
  std::array<char, kStep> a;
  std::array<char, kStep> b;
  for (off_t at = 0;; at += static_cast<off_t>(kStep)) {
    const ssize_t of_one = ::pread(one, a.data(), a.size(), at);
    const ssize_t of_other = ::pread(other, b.data(), b.size(), at);
    if (of_one < 0 || of_one != of_other) return false;
    if (std::memcmp(a.data(), b.data(), static_cast<std::size_t>(of_one)) != 0) return false;
    if (of_one < static_cast<ssize_t>(kStep)) return true;
  }
}

}  // namespace

Look CopiedPython::original(const ProcessRoot& root, const Look& program) {
  if (program.result != Look::Result::found || !S_ISREG(program.status.st_mode)) return program;
  const std::string name = base::file_name(program.real_path);
  const std::string bin = base::parent_path(program.real_path);
  if (!name.starts_with("python") || base::file_name(bin) != "bin") return program;
  const std::string home = home_of(root, base::parent_path(bin));
  if (home.empty()) return program;
  Look original = root.look_up(base::join_path(home, name));
  if (original.result == Look::Result::missing) {
    original = root.look_up(base::join_path(home, "python3"));  // Debian has no `python`
  }
  if (original.result != Look::Result::found || original.real_path == program.real_path ||
      original.status.st_size != program.status.st_size ||
      original.status.st_size > kMaxInterpreter) {
    return program;
  }
  // Where that one is an environment's own, nothing is won.
  const std::string prefix = base::parent_path(base::parent_path(original.real_path));
  if (root.look_up(base::join_path(prefix, "pyvenv.cfg")).result != Look::Result::missing) {
    return program;
  }
  if (is_same(copy_, program.status) && is_same(seen_, original.status)) return original;
  const base::UniqueFd copy = root.open(program.real_path);
  const base::UniqueFd source = root.open(original.real_path);
  struct stat status {};
  if (!copy || !source || ::fstat(copy.get(), &status) != 0 || !is_same(status, program.status) ||
      !has_same_bytes(copy.get(), source.get())) {
    return program;
  }
  if (!is_fresh(program.status)) {
    copy_ = program.status;
    seen_ = original.status;
  }
  return original;
}

}  // namespace sandbox_run::watch
