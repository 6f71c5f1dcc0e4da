#include "cli/behaviour.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/encoding.h"
#include "base/io.h"
#include "base/path.h"
#include "base/random.h"
#include "base/scope_exit.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/exit_code.h"
#include "cli/state.h"
#include "cli/tell.h"
#include "events/words.h"
#include "workspace/seal.h"

namespace sandbox_run::cli {
namespace {

using base::join_path;
using base::printable;
using base::UniqueFd;

constexpr const char* kLockName = "sandbox-run.lock";
constexpr const char* kKeptName = "behaviour.toml";
constexpr std::size_t kMaxLock = 1U << 20;  // as much as is read of any TOML

/// nullopt: there is none. A repository may hold anything under that name: no link is followed, and
/// nobody waits for a pipe.
std::optional<std::string> read_lock_file(const std::string& path) {
  const std::string doing = "reading " + path;
  const UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd && errno == ELOOP) throw base::UserError(printable(path) + " is a symbolic link");
  base::check_sys(fd.get(), doing);
  struct stat status {};
  base::check_sys(::fstat(fd.get(), &status), doing);
  if (!S_ISREG(status.st_mode)) throw base::UserError(printable(path) + " is no regular file");
  return base::read_all(fd.get(), kMaxLock, doing);
}

/// By a name that nobody can have taken, and rename(2), which replaces a link and follows none.
void write_lock_file(const std::string& project, const std::string& text) {
  const std::string doing = "writing " + join_path(project, kLockName);
  if (text.size() > kMaxLock) {
    throw base::UserError(printable(doing) + ": it would be larger than a megabyte");
  }
  const UniqueFd directory(base::check_sys(
      ::open(project.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), doing));
  const std::string name = ".sandbox-run.lock." + base::hex_encode(base::random_bytes(8));
  const UniqueFd file(
      base::check_sys(::openat(directory.get(), name.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666),
                      doing));
  const base::ScopeExit remove([&] { ::unlinkat(directory.get(), name.c_str(), 0); });
  base::write_full(file.get(), text, doing);
  base::check_sys(::fsync(file.get()), doing);
  base::check_sys(::renameat(directory.get(), name.c_str(), directory.get(), kLockName), doing);
}

/// The directory of the newest run in `here`'s project that has kept what packages did.
std::string find_run_in_project(const std::string& state, const std::string& here) {
  for (const std::string& id : run_ids(state)) {
    std::string run = join_path(join_path(state, "runs"), id);
    if (!base::exists(join_path(run, kKeptName))) continue;
    const std::string project = workspace::sealed_project(run);
    if (!project.empty() && base::is_beneath(here, project)) return run;
  }
  throw base::UserError(
      "lock: nothing to compare: with --learn or a sandbox-run.lock, no package's "
      "script has run in " +
      printable(here));
}

struct KeptBehaviour {
  std::string project;
  policy::BehaviourLock seen;
};

KeptBehaviour read_kept(const std::string& run) {
  const auto text = base::read_file_if_readable(join_path(run, kKeptName));
  std::string project = workspace::sealed_project(run);
  if (!text || project.empty()) {
    throw base::UserError("lock: no package's script ran in run " + base::file_name(run));
  }
  return {std::move(project), policy::parse_behaviour_lock(*text, join_path(run, kKeptName))};
}

std::optional<policy::BehaviourLock> read_lock(const std::string& project) {
  const std::string path = join_path(project, kLockName);
  std::optional<std::string> text;
  try {
    text = read_lock_file(path);
  } catch (const base::SysError& error) {
    throw base::UserError(printable(error.what()) +
                          ": what packages' scripts do can't be compared with it");
  }
  if (!text) return std::nullopt;
  return policy::parse_behaviour_lock(*text, path);
}

/// Returns what to tell, in words.
std::string learn(const std::string& project, const policy::BehaviourLock& lock,
                  const policy::BehaviourLock& seen) {
  const policy::BehaviourLock learned = policy::learn(lock, seen);
  const std::string text = policy::to_toml(learned);
  write_lock_file(project, text);
  const std::size_t count = learned.packages.size();
  return "learned what the scripts of " + std::to_string(count) +
         (count == 1 ? " package do: " : " packages do: ") +
         printable(join_path(project, kLockName)) +
         (text == policy::to_toml(lock) ? " is as it was"
                                        : "; look at it as you would at a lockfile, and commit it");
}

void keep(const std::string& run_directory, const policy::BehaviourLock& seen) {
  if (seen.packages.empty()) return;
  base::write_file(join_path(run_directory, kKeptName), policy::to_toml(seen), 0600);
}

}  // namespace

RunLock::RunLock(std::string project, LockUse use)
    : project_(std::move(project)), use_(use), lock_(read_lock(project_)) {
  if (use_ != LockUse::frozen || lock_) return;
  throw base::UserError("--frozen: there is no " + printable(join_path(project_, kLockName)) +
                        "; make it with sandbox-run --learn, look at it, and commit it");
}

const policy::BehaviourLock* RunLock::compared() const {
  return lock_ && use_ != LockUse::learn ? &*lock_ : nullptr;
}

/// Only what a run did that went well and raised no alert is taken for what is right.
RunLock::Learned RunLock::end(const std::string& run_directory, const policy::BehaviourLock& seen,
                              RunEnd how) const {
  Learned learned;
  try {
    if (is_used()) keep(run_directory, seen);
    if (use_ != LockUse::learn) return learned;
    switch (how) {
      case RunEnd::well:
        learned.notes.push_back(learn(project_, lock_.value_or(policy::BehaviourLock{}), seen));
        break;
      case RunEnd::alert:
        learned.notes.push_back(
            "not learned: an alert was raised; if all is well: sandbox-run lock update " +
            base::file_name(run_directory));
        break;
      case RunEnd::failed:
        learned.notes.emplace_back("not learned: the run failed");
        break;
    }
  } catch (const std::exception& error) {
    learned.failed = use_ == LockUse::learn;
    learned.notes.emplace_back(error.what());
  }
  return learned;
}

int lock_command(const Options& options, const std::string& state, const std::string& here) {
  const std::string verb = options.operands.empty() ? "" : options.operands.front();
  if ((verb != "diff" && verb != "update") || options.operands.size() > 2) {
    throw base::UserError(
        "lock: write sandbox-run lock diff [RUN], or sandbox-run lock update [RUN]");
  }
  const std::string run = options.operands.size() == 2
                              ? find_run(state, options.operands[1], RunKind::any, here)
                              : find_run_in_project(state, here);
  const KeptBehaviour kept = read_kept(run);
  const policy::BehaviourLock lock = read_lock(kept.project).value_or(policy::BehaviourLock{});
  if (verb == "update") {
    tell("sandbox-run: " + learn(kept.project, lock, kept.seen) + "\n");
    return kOk;
  }
  const std::string text = policy::differences(lock, policy::learn(lock, kept.seen));
  for (const std::string& line : base::split(text, '\n')) {
    if (!line.empty()) base::write_full(1, events::shown(line) + "\n", "printing");
  }
  return text.empty() ? kOk : kLockDiffers;
}

}  // namespace sandbox_run::cli
