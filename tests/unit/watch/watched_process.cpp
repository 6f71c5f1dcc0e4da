#include "watched_process.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fstream>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "scratch_directory.h"

namespace sandbox_run::watch {
namespace {

int install_filter() {
  std::array<sock_filter, 5> program = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog whole{program.size(), program.data()};
  base::check_sys(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "setting no_new_privs");
  return static_cast<int>(base::check_sys(
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &whole),
      "installing the filter"));
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

WatchedProcess::WatchedProcess(const std::vector<std::string>& arguments,
                               const std::vector<std::string>& environment) {
  std::vector<std::string> entries = environment;
  entries.push_back("PATH=/usr/bin:/bin");
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(entries);
  base::SocketPair sockets = base::make_socket_pair();
  pid_ = base::check_sys(::fork(), "forking");
  if (pid_ == 0) {
    try {
      const int listener = install_filter();
      base::send_fds(sockets.theirs.get(), "x", {listener});
      ::execve(argv[0], argv.data(), envp.data());
    } catch (...) {
    }
    ::_exit(99);
  }
  sockets.theirs.reset();
  base::ReceivedFds received = base::receive_fds(sockets.ours.get());
  if (received.fds.size() != 1) throw base::SysError(ENOSYS, "watching a process");
  listener_ = std::move(received.fds[0]);
}

WatchedProcess::~WatchedProcess() { kill(); }

void WatchedProcess::kill() {
  if (pid_ <= 0 || status_ >= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
}

int WatchedProcess::poll_exit() {
  if (status_ < 0 && ::waitpid(pid_, &status_, WNOHANG) != pid_) return -1;
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

std::vector<events::Event> RecordedEvents::of_type(const std::string& type) const {
  std::vector<events::Event> result;
  for (const events::Event& event : all) {
    if (event.type == type) result.push_back(event);
  }
  return result;
}

std::string RecordedEvents::actor_of_exec(const std::string& file_name) const {
  std::string words;
  for (const events::Event& event : of_type("process.exec")) {
    if (base::file_name(event.process->exe) == file_name) words = events::to_words(*event.actor);
  }
  return words;
}

WatchedRun watch_run(policy::PackageManager manager, const std::vector<std::string>& arguments,
                     const std::vector<std::string>& environment,
                     const std::vector<std::string>& trusted_programs) {
  WatchedRun run;
  WatchedProcess process(arguments, environment);
  // As if all of the host were shown by an overlay that nothing was written to.
  ExecWatch watch(process.take_listener(), manager, run.events, run.callers,
                  {"/project", "", {{"/", "/nonexistent"}}}, trusted_programs);
  pollfd ready{watch.fd(), POLLIN, 0};
  while (true) {
    // Its zombie would keep the filter, and with it the listener, alive: look now and then.
    const int count = ::poll(&ready, 1, run.exit_status < 0 ? 20 : -1);
    if (run.exit_status < 0) run.exit_status = process.poll_exit();
    if (count > 0 && !watch.on_readable()) break;
  }
  while (run.exit_status < 0) run.exit_status = process.poll_exit();
  run.totals = watch.totals();
  return run;
}

WatchedRun watch_package_manager(const std::string& text,
                                 const std::vector<std::string>& environment,
                                 const std::vector<std::string>& also_trusted) {
  const test::ScratchDirectory directory;
  const std::string package = directory.file("node_modules/pm");
  directory.make("node_modules/pm/lib");
  const std::string script = package + "/pm";
  std::string content = "#!/bin/sh\n" + text;
  for (std::size_t at = 0; (at = content.find("DIR")) != std::string::npos;) {
    content.replace(at, 3, package);
  }
  std::ofstream(script) << content;
  ::chmod(script.c_str(), 0755);
  std::vector<std::string> trusted = also_trusted;
  trusted.push_back(script);
  return watch_run(policy::PackageManager::npm, {script}, environment, trusted);
}

std::string probe() {
  const char* path = std::getenv("SANDBOX_RUN_WATCH_PROBE");
  if (path == nullptr) throw base::UserError("SANDBOX_RUN_WATCH_PROBE must name watch_probe");
  return path;
}

}  // namespace sandbox_run::watch
