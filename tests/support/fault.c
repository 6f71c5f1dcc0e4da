// Runs a command and makes one system call of it fail, by ptrace(2). For x86-64.
//
//     fault REPORT list COMMAND…                      each call: "call ROLE NUMBER COUNT"
//     fault REPORT fail ROLE NUMBER NTH ERRNO COMMAND…    "failed", or nothing if there was no such
//
// Roles: "supervisor", the command itself; "init", which has a new pid namespace; "keeper", started
// beside it; "sandboxee", the keeper's child until its execve; "helper", "thread". A second one of
// a kind is "init2". What is left when the command has ended, after a while: "left PID". Ends as
// the command does; 128 + N for a signal.
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kTasks = 256, kCalls = 512, kPatience = 5 };

struct Task {
  pid_t pid;
  char role[24];
  int waits;     // its first stop came before its parent's word
  int inside;    // between the entry and the exit of a call
  int filtered;  // a filter of its own may kill it for a call that it does not make
  uint64_t child_flags;
  unsigned counts[kCalls];
};

static struct Task tasks[kTasks];
static unsigned task_count;
static FILE* report;

static int failing;  // else: listing
static const char* wanted_role;
static long wanted_call;
static unsigned wanted_nth;
static long wanted_error;
static int done;
static pid_t done_in;

static struct Task* find(pid_t pid) {
  for (unsigned i = 0; i < task_count; ++i) {
    if (tasks[i].pid == pid) return &tasks[i];
  }
  if (task_count == kTasks) {
    fprintf(stderr, "fault: too many processes\n");
    exit(99);
  }
  struct Task* task = &tasks[task_count++];
  memset(task, 0, sizeof *task);
  task->pid = pid;
  return task;
}

static int is_kind(const struct Task* task, const char* kind) {
  return strncmp(task->role, kind, strlen(kind)) == 0;
}

static void name(struct Task* child, const char* kind) {
  unsigned same = 1;
  for (unsigned i = 0; i < task_count; ++i) same += is_kind(&tasks[i], kind);
  if (same == 1) {
    snprintf(child->role, sizeof child->role, "%s", kind);
  } else {
    snprintf(child->role, sizeof child->role, "%s%u", kind, same);
  }
}

static void name_child(const struct Task* parent, struct Task* child) {
  const uint64_t flags = parent->child_flags;
  if (flags & CLONE_THREAD) {
    name(child, "thread");
  } else if (flags & CLONE_NEWPID) {
    name(child, "init");
  } else if (is_kind(parent, "keeper")) {
    name(child, "sandboxee");
  } else if (flags & CLONE_PIDFD) {
    name(child, "keeper");
  } else {
    name(child, "helper");
  }
}

static void go_on(pid_t pid, int signal) {
  ptrace(done && !done_in ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, signal);
}

/// What kind of child a call will make.
static void note_flags(struct Task* task, const struct user_regs_struct* at) {
  if ((long)at->orig_rax == SYS_clone3) {
    errno = 0;
    const long flags = ptrace(PTRACE_PEEKDATA, task->pid, at->rdi, 0);
    task->child_flags = errno == 0 ? (uint64_t)flags : 0;
  } else if ((long)at->orig_rax == SYS_clone) {
    task->child_flags = at->rdi;
  } else {
    task->child_flags = 0;
  }
}

static int never_fails(long call) {
  return call == SYS_exit || call == SYS_exit_group || call == SYS_rt_sigreturn;
}

static void on_entry(struct Task* task, struct user_regs_struct* at) {
  const long call = (long)at->orig_rax;
  if (call == SYS_clone || call == SYS_clone3 || call == SYS_fork || call == SYS_vfork)
    note_flags(task, at);
  if (call < 0 || call >= kCalls || task->filtered || never_fails(call)) return;
  const unsigned nth = ++task->counts[call];
  // From the next call on. (The others' filters let getpid through.)
  if (call == SYS_seccomp && (is_kind(task, "init") || is_kind(task, "keeper"))) task->filtered = 1;
  if (!failing || done || call != wanted_call || nth != wanted_nth ||
      strcmp(task->role, wanted_role) != 0)
    return;
  done = 1;
  done_in = task->pid;
  fprintf(report, "failed\n");
  fflush(report);
  // close(2) frees the descriptor whatever it answers.
  if (call == SYS_close) return;
  at->orig_rax = SYS_getpid;
  ptrace(PTRACE_SETREGS, task->pid, 0, at);
}

static void on_call(struct Task* task) {
  struct user_regs_struct at;
  if (ptrace(PTRACE_GETREGS, task->pid, 0, &at) != 0) return;
  task->inside = !task->inside;
  if (task->inside) {
    on_entry(task, &at);
  } else if (done_in == task->pid) {
    done_in = 0;
    at.rax = (unsigned long long)-wanted_error;
    ptrace(PTRACE_SETREGS, task->pid, 0, &at);
  }
}

static void on_child(struct Task* parent) {
  unsigned long pid = 0;
  ptrace(PTRACE_GETEVENTMSG, parent->pid, 0, &pid);
  struct Task* child = find((pid_t)pid);
  name_child(parent, child);
  if (!child->waits) return;
  child->waits = 0;
  go_on(child->pid, 0);
}

static void on_stop(pid_t pid, int status) {
  struct Task* task = find(pid);
  const int signal = WSTOPSIG(status);
  const int event = status >> 16;
  if (task->role[0] == 0) {  // a new one, which its parent has not spoken of yet
    task->waits = 1;
    return;
  }
  if (signal == (SIGTRAP | 0x80)) {
    on_call(task);
  } else if (event == PTRACE_EVENT_EXEC) {
    // From here on it is the package's.
    if (is_kind(task, "sandboxee")) {
      ptrace(PTRACE_DETACH, pid, 0, 0);
      return;
    }
  } else if (event != 0) {
    on_child(task);
  } else if (signal != SIGSTOP) {
    go_on(pid, signal == SIGTRAP ? 0 : signal);
    return;
  }
  go_on(pid, 0);
}

static void print_calls(void) {
  for (unsigned i = 0; i < task_count; ++i) {
    for (unsigned call = 0; call < kCalls; ++call) {
      if (tasks[i].counts[call] > 0)
        fprintf(report, "call %s %u %u\n", tasks[i].role, call, tasks[i].counts[call]);
    }
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static pid_t start(char** command) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  raise(SIGSTOP);
  execvp(command[0], command);
  _exit(127);
}

/// Until the command has ended, and then all that it has left, or for a while.
static int watch(pid_t command) {
  int code = -1;
  double end = 0;
  while (1) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, __WALL | (code < 0 ? 0 : WNOHANG));
    if (pid < 0 && errno == ECHILD) return code;
    if (pid <= 0) {
      if (code >= 0 && now() > end) return code;
      usleep(2000);
      continue;
    }
    if (WIFSTOPPED(status)) {
      on_stop(pid, status);
      continue;
    }
    find(pid)->pid = 0;
    if (pid != command) continue;
    code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    end = now() + kPatience;
  }
}

static void print_left(void) {
  for (unsigned i = 0; i < task_count; ++i) {
    if (tasks[i].pid > 0 && kill(tasks[i].pid, 0) == 0) {
      fprintf(report, "left %d %s\n", tasks[i].pid, tasks[i].role);
      kill(tasks[i].pid, SIGKILL);
    }
  }
}

int main(int count, char** words) {
  if (count < 4) return 99;
  report = fopen(words[1], "w");
  failing = strcmp(words[2], "fail") == 0;
  char** command = words + 3;
  if (failing) {
    if (count < 8) return 99;
    wanted_role = words[3];
    wanted_call = atol(words[4]);
    wanted_nth = (unsigned)atol(words[5]);
    wanted_error = atol(words[6]);
    command = words + 7;
  }
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const pid_t pid = start(command);
  name(find(pid), "supervisor");
  int status = 0;
  waitpid(pid, &status, __WALL);
  ptrace(PTRACE_SETOPTIONS, pid, 0,
         PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
             PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
  go_on(pid, 0);
  const int code = watch(pid);
  if (!failing) print_calls();
  print_left();
  fclose(report);
  return code;
}
