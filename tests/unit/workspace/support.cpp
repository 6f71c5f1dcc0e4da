#include "support.h"

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "workspace/layer_record.h"
#include "workspace/overlay_marks.h"
#include "workspace/removal.h"

namespace sandbox_run::workspace::test {
namespace {

using base::check_sys;

/// TMPDIR if it is set; else memory, where syncing costs nothing, if overlayfs can write to it.
std::string temporary_parent() {
  const char* directory = std::getenv("TMPDIR");
  if (directory != nullptr && directory[0] == '/') {
    return base::real_path(directory).value_or(directory);
  }
  const base::UniqueFd memory(::open("/dev/shm", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  return memory && can_carry_marks(memory.get()) ? "/dev/shm" : "/tmp";
}

std::string octal(mode_t bits) {
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), "%o", bits & 07777U);
  return text.data();
}

void snapshot_into(Snapshot& all, int dir_fd, const std::string& prefix) {
  for (const base::DirectoryEntry& entry : base::list_directory(dir_fd)) {
    struct stat status {};
    check_sys(::fstatat(dir_fd, entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW), "snapshot");
    const std::string path = prefix + entry.name;
    const std::string bits = octal(status.st_mode);
    if (S_ISLNK(status.st_mode)) {
      all[path] = "l " + base::read_link(dir_fd, entry.name);
      continue;
    }
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
      all[path] = "special " + bits;
      continue;
    }
    all[path] = (S_ISDIR(status.st_mode) ? "d " : "f ") + bits;
    const base::UniqueFd fd(
        ::openat(dir_fd, entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
      all[path] += " ?";
    } else if (S_ISDIR(status.st_mode)) {
      if (::faccessat(dir_fd, entry.name.c_str(), X_OK, 0) == 0) {
        snapshot_into(all, fd.get(), path + "/");
      }
    } else {
      all[path] += " " + base::read_all(fd.get(), 1U << 24, "snapshot");
    }
  }
}

void write_map(const char* file, id_t id) {
  std::array<char, 64> line;
  std::snprintf(line.data(), line.size(), "%u %u 1", id, id);
  base::write_file(file, line.data(), 0);
}

/// Those that a new user namespace gives: modes then bind as they do outside.
void drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  check_sys(::syscall(SYS_capset, &header, &none), "dropping capabilities");
}

bool enter_namespaces(bool as_root) {
  const uid_t user = ::getuid();
  const gid_t group = ::getgid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  base::write_file("/proc/self/setgroups", "deny", 0);
  if (as_root) {
    base::write_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1", 0);
    base::write_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1", 0);
  } else {
    write_map("/proc/self/uid_map", user);
    write_map("/proc/self/gid_map", group);
  }
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

constexpr int kNotAllowed = 77;
constexpr int kThrew = 99;

template <typename Act>
int in_child(Act&& act) {
  const pid_t child = check_sys(::fork(), "forking");
  if (child == 0) {
    int code = kThrew;
    try {
      code = act();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "in the child: %s\n", error.what());
    }
    ::_exit(code);
  }
  int status = 0;
  check_sys(::waitpid(child, &status, 0), "waiting");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory(const std::string& parent) {
  path_ = (parent.empty() ? temporary_parent() : parent) + "/sandbox-run-test-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) throw base::SysError("making a temporary directory");
}

TemporaryDirectory::~TemporaryDirectory() { remove_entry(AT_FDCWD, path_); }

Snapshot snapshot(const std::string& root) {
  Snapshot all;
  const base::UniqueFd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return all;
  struct stat status {};
  check_sys(::fstat(fd.get(), &status), "snapshot");
  all[""] = "d " + octal(status.st_mode);
  snapshot_into(all, fd.get(), "");
  return all;
}

void put(const std::string& path, const std::string& content, mode_t mode) {
  if (path.find('/') != std::string::npos) base::make_directories(base::parent_path(path), 0755);
  base::write_file(path, content, 0600);
  check_sys(::chmod(path.c_str(), mode), "chmod");
}

void make_dir(const std::string& path, mode_t mode) {
  base::make_directories(path, 0755);
  check_sys(::chmod(path.c_str(), mode), "chmod");
}

std::string content(const std::string& path) { return base::read_file(path); }

ino_t inode(const std::string& path) {
  const auto status = base::stat_no_follow(path);
  return status ? status->st_ino : 0;
}

mode_t mode(const std::string& path) {
  const auto status = base::stat_no_follow(path);
  return status ? status->st_mode & 07777U : 0;
}

std::vector<std::string> attributes(const std::string& path) {
  std::array<char, 4096> names;
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  std::vector<std::string> all;
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(all.back().size()) + 1) {
    all.emplace_back(names.data() + at);
  }
  return all;
}

std::size_t RecordingSink::count(const std::string& type) const {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(),
                    [&](const events::Event& event) { return event.type == type; }));
}

const events::Event* RecordingSink::find(const std::string& type) const {
  for (const events::Event& event : events) {
    if (event.type == type) return &event;
  }
  return nullptr;
}

Fixture::Fixture(const std::string& target_parent) {
  ::umask(022);
  if (!target_parent.empty()) other_ = std::make_unique<TemporaryDirectory>(target_parent);
  state = base_.path() + "/state";
  run = state + "/runs/run-1";
  host_ = (other_ ? other_->path() : base_.path()) + "/project";
  make_dir(host_);
  policy::TargetRules project;
  project.kind = policy::TargetKind::project;
  project.rules = {
      {policy::Verdict::protect, {".git/**", ".vscode/**"}, "a place for back doors", {}, {}},
      {policy::Verdict::commit,
       {"node_modules/**", "**/node_modules/**", "package-lock.json", "package.json", "out/**"},
       "expected",
       {},
       {}},
      {policy::Verdict::protect, {"**/.vscode/**"}, "a place for back doors", {}, {}}};
  policy::TargetRules cache;
  cache.kind = policy::TargetKind::cache;
  cache.rules = {{policy::Verdict::verify, {"_cacache/content-v2/**"}, "", {}, {}},
                 {policy::Verdict::trusted, {"_cacache/index-v5/**"}, "", {}, {}}};
  policy.targets = {project, cache};
}

std::string Fixture::host(const std::string& path) const { return base::join_path(host_, path); }

std::string Fixture::upper(const std::string& path) const {
  return base::join_path(layers.at(0).upper, path);
}

void Fixture::begin(policy::TargetKind kind, bool lower_is_empty) {
  targets = {{host_, kind, lower_is_empty, false, {}}};
  layers = make_layers(run, targets);
}

void Fixture::whiteout(const std::string& path) const {
  base::make_directories(base::parent_path(upper(path)), 0755);
  check_sys(::mknod(upper(path).c_str(), S_IFCHR, makedev(0, 0)), "making a whiteout");
}

void Fixture::mark_opaque(const std::string& path) const {
  check_sys(::lsetxattr(upper(path).c_str(), "user.overlay.opaque", "y", 1, 0), "marking");
}

void Fixture::mark_copied_up(const std::string& path) const {
  check_sys(::lsetxattr(upper(path).c_str(), "user.overlay.origin", "", 0, 0), "marking");
}

CommitRequest Fixture::request() const {
  CommitRequest request;
  request.run_directory = run;
  request.layers = layers;
  request.policy = &policy;
  request.arguments = {"npm", "install"};
  request.commit = commit_project;
  request.only_package_manager_ran = only_package_manager_ran;
  return request;
}

CommitSummary Fixture::commit() { return commit_changes(request(), sink); }

void Fixture::recover() { recover_interrupted(state, targets, sink); }

bool Fixture::is_run_clean() const {
  return snapshot(run).size() == 1 && !base::exists(host(".sandbox-run-staging-" + run_name(run)));
}

void edit_during_run(const Fixture& fixture, const std::string& path, const std::string& content) {
  const base::UniqueFd run(::open(fixture.run.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::int64_t since = load_layers(run.get()).at(0).changed_since;
  do {  // until the clock of file times, which may be coarse, has moved on
    put(fixture.host(path), content);
  } while (to_nanoseconds(base::stat_no_follow(fixture.host(path))->st_ctim) < since);
}

bool in_overlay(const LayerDirectory& layer, const std::function<void()>& act) {
  const TemporaryDirectory mount_point;
  const int code = in_child([&] {
    if (!enter_namespaces(false)) return kNotAllowed;
    const std::string options = "lowerdir=" + layer.target.path + ",upperdir=" + layer.upper +
                                ",workdir=" + layer.work + ",userxattr,volatile";
    if (::mount("overlay", mount_point.path().c_str(), "overlay", 0, options.c_str()) != 0) {
      return kNotAllowed;
    }
    check_sys(::chdir(mount_point.path().c_str()), "chdir");
    if (!is_root()) drop_capabilities();
    act();
    return 0;
  });
  if (code != 0 && code != kNotAllowed) throw std::runtime_error("the overlay's child failed");
  return code == 0;
}

int in_namespace(const std::function<int()>& act) {
  const int code = in_child([&] { return enter_namespaces(true) ? act() : kNotAllowed; });
  return code == kNotAllowed ? -1 : code;
}

std::string other_file_system() {
  const auto here = base::stat_no_follow(temporary_parent());
  for (const char* candidate : {"/dev/shm", "/var/tmp", "/tmp"}) {
    const auto there = base::stat_no_follow(candidate);
    if (here && there && here->st_dev != there->st_dev && ::access(candidate, W_OK) == 0) {
      return candidate;
    }
  }
  return "";
}

Limited::Limited(__rlimit_resource resource, rlim_t soft) : resource_(resource) {
  ::getrlimit(resource_, &before_);
  const rlimit limited{soft, before_.rlim_max};
  ::setrlimit(resource_, &limited);
}

Limited::~Limited() { ::setrlimit(resource_, &before_); }

bool is_root() { return ::geteuid() == 0; }

void skip(const char* reason) {
  if (std::getenv("SANDBOX_RUN_MUST_WORK") != nullptr) FAIL(reason);
  MESSAGE("skipped: ", std::string(reason));
}

}  // namespace sandbox_run::workspace::test
