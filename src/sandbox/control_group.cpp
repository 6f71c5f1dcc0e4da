// Must:     change nothing where no group is given to us: what is systemd's own to manage is
//           not (systemd.io/CGROUP_DELEGATION), even if the kernel lets us.
// Must not: move any process but those that it starts, and itself into a scope that it is given.

#include "sandbox/control_group.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <vector>

#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "sandbox/control_group_place.h"

namespace sandbox_run::sandbox {
namespace {

using base::join_path;
using base::UniqueFd;

constexpr std::string_view kPrefix = "sandbox-run-";
constexpr std::size_t kMaxText = 16384;

/// Each by what it is for.
constexpr std::array<std::string_view, 4> kControllers{
    "memory",  // a bound that holds between two looks, and counts what no process has mapped
    "pids",    // threads
    "cpu",     // one share of the processors, however many processes
    "io"};     // and of the disks

std::vector<std::string> words_of_file(const std::string& path) {
  const auto text = base::read_file_if_readable(path, kMaxText);
  return text ? base::split(std::string(base::trim(*text)), ' ') : std::vector<std::string>{};
}

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// False: the kernel does not want it, or has no such file.
bool put(int directory, const char* name, const std::string& text) {
  const UniqueFd file(::openat(directory, name, O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

UniqueFd open_to_read(int directory, const char* name) {
  return UniqueFd(::openat(directory, name, O_RDONLY | O_CLOEXEC));
}

std::string text_of(int fd) {
  std::array<char, kMaxText> text{};
  const ssize_t got = fd < 0 ? -1 : ::pread(fd, text.data(), text.size(), 0);
  return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : std::string();
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Of lines "key number" those of `keys`, added up.
std::uint64_t sum_of(std::string_view text, const std::vector<std::string>& keys) {
  std::uint64_t sum = 0;
  for (const std::string& line : base::split(text, '\n')) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string::npos || !has(keys, line.substr(0, blank))) continue;
    sum += number_in(std::string_view(line).substr(blank + 1));
  }
  return sum;
}

/// By systemd's mark, which whoever it is delegated to can read.
bool is_delegated(const std::string& group) {
  for (const char* name : {"user.delegate", "trusted.delegate"}) {
    char value = 0;
    if (::getxattr(group.c_str(), name, &value, 1) == 1 && value == '1') return true;
  }
  return false;
}

/// systemd's manager of a user's session divides that one up itself.
bool is_managers_own(const std::string& group) {
  return base::file_name(group).rfind("user@", 0) == 0;
}

std::vector<std::string> candidates() {
  const auto groups = base::read_file_if_readable("/proc/self/cgroup");
  const auto mounts = base::read_file_if_readable("/proc/self/mountinfo");
  if (!groups || !mounts) return {};
  std::vector<std::string> found = from_inner_to_outer(control_group_place(*groups, *mounts, ""));
  const auto delegated = std::find_if(found.begin(), found.end(), is_delegated);
  if (delegated != found.end()) {
    if (is_managers_own(*delegated)) return {};
    found.erase(delegated + 1, found.end());
    return found;
  }
  // sd_booted(3): without a mark all that there is is systemd's.
  if (::access("/run/systemd/system", F_OK) == 0) return {};
  return found;
}

/// May its children have a bound of memory or of threads? A group with processes of its own can't
/// give its children controllers, but for the root.
bool gives_controllers(const std::string& group) {
  // It is the common ancestor of us and the new one: who may not write this can't start a process
  // there.
  if (::access(join_path(group, "cgroup.procs").c_str(), W_OK) != 0) return false;
  const std::string given = join_path(group, "cgroup.subtree_control");
  const std::vector<std::string> own = words_of_file(join_path(group, "cgroup.controllers"));
  const std::vector<std::string> before = words_of_file(given);
  const UniqueFd directory(::open(group.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const std::string_view controller : kControllers) {
    if (!has(own, controller) || has(before, controller)) continue;
    put(directory.get(), "cgroup.subtree_control", "+" + std::string(controller));
  }
  const std::vector<std::string> now = words_of_file(given);
  return has(now, "memory") || has(now, "pids");
}

/// Who makes a group locks it as long as it is in use.
bool lock(int group) { return ::flock(group, LOCK_EX | LOCK_NB) == 0; }

void remove_left_overs(const std::string& parent) {
  const UniqueFd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return;
  for (const base::DirectoryEntry& entry : base::list_directory(directory.get())) {
    if (entry.name.rfind(kPrefix, 0) != 0) continue;
    const UniqueFd group(
        ::openat(directory.get(), entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // One with processes in it can't be removed (EBUSY): they are about to end.
    if (group && lock(group.get())) {
      ::unlinkat(directory.get(), entry.name.c_str(), AT_REMOVEDIR);
    }
  }
}

}  // namespace

ControlGroup::ControlGroup(std::string parent, std::string name, UniqueFd group)
    : parent_(std::move(parent)), name_(std::move(name)), group_(std::move(group)) {}

void ControlGroup::limit(const policy::GroupLimits& limits) {
  const int group = group_.get();
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  // At "high" the kernel slows them down until what can be forgotten is, so that the supervisor
  // finds alive who is to blame; what gets to "max" all the same is killed.
  constexpr std::uint64_t kPart = 4;
  put(group, "memory.high", number(limits.memory + limits.memory / (2 * kPart)));
  put(group, "memory.swap.max", number(limits.swap));
  if (put(group, "memory.max", number(limits.memory + limits.memory / kPart))) {
    memory_ = open_to_read(group, "memory.stat");
    swap_ = open_to_read(group, "memory.swap.current");
    memory_events_ = open_to_read(group, "memory.events");
  }
  if (put(group, "pids.max", number(limits.threads))) {
    threads_ = open_to_read(group, "pids.current");
    most_threads_ = open_to_read(group, "pids.peak");
    thread_events_ = open_to_read(group, "pids.events");
  }
  put(group, "cpu.weight", number(limits.cpu_weight));
  put(group, "io.weight", number(limits.io_weight));
  kill_ = UniqueFd(::openat(group, "cgroup.kill", O_WRONLY | O_CLOEXEC));
}

std::optional<ControlGroup> ControlGroup::make_beneath(const std::string& parent,
                                                       const std::string& run_id,
                                                       const policy::GroupLimits& limits) {
  constexpr mode_t kMode = 0755;
  if (!gives_controllers(parent)) return std::nullopt;
  remove_left_overs(parent);
  const std::string name = std::string(kPrefix) + run_id;
  const std::string path = join_path(parent, name);
  if (::mkdir(path.c_str(), kMode) != 0) return std::nullopt;
  UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Between the two calls another run may have taken it for a left-over.
  if (!directory || !lock(directory.get()) || !base::exists(path)) return std::nullopt;
  ControlGroup group(parent, name, std::move(directory));
  group.limit(limits);
  if (!group.counts_memory() && !group.counts_threads()) return std::nullopt;
  return group;
}

bool ControlGroup::is_worth_asking_for() {
  // Where controllers belong to version 1, as on old systems, no manager has any to give.
  return ::access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 && candidates().empty();
}

std::optional<ControlGroup> ControlGroup::make(const std::string& run_id,
                                               const policy::GroupLimits& limits,
                                               ScopeRequest* scope) {
  if (scope != nullptr) {
    const std::string given = scope->enter();
    return given.empty() ? std::nullopt : make_beneath(given, run_id, limits);
  }
  for (const std::string& parent : candidates()) {
    if (auto group = make_beneath(parent, run_id, limits)) return group;
  }
  return std::nullopt;
}

ControlGroup::~ControlGroup() {
  if (!group_) return;  // moved from
  constexpr int kLooks = 100;
  constexpr int kBetweenLooks = 2;  // ms
  const std::string path = join_path(parent_, name_);
  if (::rmdir(path.c_str()) == 0 || errno != EBUSY) return;
  // An error on the way here left a process: the group goes, and it with it.
  [[maybe_unused]] const ssize_t done = ::write(kill_.get(), "1", 1);
  for (int look = 0; look < kLooks && ::rmdir(path.c_str()) != 0 && errno == EBUSY; ++look) {
    ::poll(nullptr, 0, kBetweenLooks);
  }
}

ControlGroupUsage ControlGroup::usage() const {
  ControlGroupUsage usage;
  usage.memory = sum_of(text_of(memory_.get()), {"anon", "shmem", "kernel_stack", "pagetables",
                                                 "sock", "slab_unreclaimable"}) +
                 number_in(text_of(swap_.get()));
  usage.threads = number_in(text_of(threads_.get()));
  usage.most_threads = number_in(text_of(most_threads_.get()));
  usage.has_run_out_of_memory = sum_of(text_of(memory_events_.get()), {"oom_kill"}) > 0;
  usage.has_run_out_of_threads = sum_of(text_of(thread_events_.get()), {"max"}) > 0;
  return usage;
}

}  // namespace sandbox_run::sandbox
