// One lock file a directory, kept for ever: a lock file that is removed could be locked by one run
// while a second run makes and locks another of the same name.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <thread>
#include <utility>

#include "base/digest.h"
#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/workspace.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;
using base::UniqueFd;

constexpr std::chrono::milliseconds kBetweenTries{50};
/// Always as long, so that it is written over another: truncating costs a journalled file system
/// more.
constexpr std::size_t kRecordSize = 256;

/// Its number and its command, then zeros.
std::string this_process() {
  std::string command =
      base::read_file_if_readable("/proc/self/cmdline", 1U << 20).value_or(std::string());
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::replace(command.begin(), command.end(), '\0', ' ');
  std::string record = std::to_string(::getpid()) + " " + command;
  record.resize(kRecordSize, '\0');
  return record;
}

/// "process 123 (sandbox-run npm ci)", from what the holder wrote.
std::string holder_of(int lock) {
  std::array<char, kRecordSize + 1> buffer{};
  if (::pread(lock, buffer.data(), kRecordSize, 0) <= 0) return "another run";
  const std::string text(buffer.data());
  const std::size_t space = text.find(' ');
  if (space == std::string::npos || space == 0) return "another run";
  const std::string pid = text.substr(0, space);
  // A shared lock may have been written by a holder that has gone since.
  if (!base::exists("/proc/" + pid)) return "another run";
  return "process " + pid + " (" + base::printable(text.substr(space + 1)) + ")";
}

/// No descriptor: another has it, in `holder` is who.
UniqueFd take_lock(const std::string& directory, const std::string& path, int operation,
                   const std::string& record, std::string& holder) {
  const std::string file = directory + "/" + base::sha256_hex(path);
  const std::string doing = "locking " + path;
  UniqueFd lock(check_sys(
      ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600), doing));
  while (::flock(lock.get(), operation | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) throw base::SysError(doing);
    holder = base::printable(path) + " is in use by " + holder_of(lock.get());
    return {};
  }
  check_sys(::pwrite(lock.get(), record.data(), record.size(), 0), doing);
  return lock;
}

}  // namespace

TargetLocks::TargetLocks(const std::string& state_directory, const std::vector<Target>& targets,
                         const LockPatience& patience) {
  const std::string directory = state_directory + "/locks";
  base::make_directories(directory, 0700);
  std::set<std::string> own;
  for (const Target& target : targets) {
    // Caches are shared by all projects; they only ever grow, by renames that replace nothing.
    if (target.kind != policy::TargetKind::cache) own.insert(target.path);
  }
  // A run in a directory keeps others out of the directories above it, but not out of its siblings.
  std::set<std::string> above;
  for (const std::string& path : own) {
    for (std::string at = path; at.size() > 1;) {
      at = base::parent_path(at);
      if (!own.contains(at)) above.insert(at);
    }
  }
  const auto deadline = std::chrono::steady_clock::now() + patience.limit;
  const std::string record = this_process();
  std::string holder;
  const auto take_all = [&](const std::set<std::string>& paths, int operation) {
    return std::all_of(paths.begin(), paths.end(), [&](const std::string& path) {
      UniqueFd lock = take_lock(directory, path, operation, record, holder);
      const bool taken = static_cast<bool>(lock);
      if (taken) locks_.push_back(std::move(lock));
      return taken;
    });
  };
  while (!take_all(own, LOCK_EX) || !take_all(above, LOCK_SH)) {
    locks_.clear();
    if (std::chrono::steady_clock::now() >= deadline) {
      throw base::UserError(holder + "; wait for it to end");
    }
    if (!std::exchange(waited_, true) && patience.on_wait) patience.on_wait(holder);
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace sandbox_run::workspace
