/* The least that a sandbox with our guarantees can be, for scripts/bench start: namespaces, id
   maps, a recursive read-only view of the host, /proc, an overlay over the working directory,
   loopback, a filter, and the command. It serves nothing, watches nothing, commits nothing: a
   bound, no product.

   cc -O2 -static -o floor floor.c; ./floor COMMAND... */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(long result, const char* what) {
  if (result < 0) err(125, "%s", what);
}

static void put(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  must(fd, path);
  must(write(fd, text, strlen(text)), path);
  close(fd);
}

static void loopback_up(void) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  must(ioctl(fd, SIOCSIFFLAGS, &request), "lo");
  close(fd);
}

static void build_root(const char* layers, const char* project) {
  char options[4096];
  must(mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL), "private");
  const int root = (int)syscall(SYS_open_tree, AT_FDCWD, "/",
                                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  must(root, "open_tree");
  struct mount_attr closed = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
  must(syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH | AT_RECURSIVE, &closed, sizeof closed),
       "mount_setattr");
  must(syscall(SYS_move_mount, root, "", AT_FDCWD, "/mnt", MOVE_MOUNT_F_EMPTY_PATH), "move_mount");
  snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work,userxattr",
           project, layers, layers);
  char target[4096];
  snprintf(target, sizeof target, "/mnt%s", project);
  must(mount("overlay", target, "overlay", 0, options), "overlay");
  must(chdir("/mnt"), "chdir");
  must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(umount2(".", MNT_DETACH), "umount");
  must(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
}

static void load_filter(void) {
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {sizeof program / sizeof *program, program};
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "seccomp");
}

int main(int count, char** words) {
  if (count < 2) errx(125, "floor COMMAND...");
  char layers[] = "/var/tmp/floor-XXXXXX", place[4096], project[4096], map[64];
  if (mkdtemp(layers) == NULL || getcwd(project, sizeof project) == NULL) err(125, "layers");
  for (int i = 0; i < 2; ++i) {
    snprintf(place, sizeof place, "%s/%s", layers, i == 0 ? "upper" : "work");
    must(mkdir(place, 0700), place);
  }
  const unsigned uid = geteuid(), gid = getegid();
  struct clone_args how = {.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
                                    CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET,
                           .exit_signal = SIGCHLD};
  const long child = syscall(SYS_clone3, &how, sizeof how);
  must(child, "clone3");
  if (child == 0) {
    put("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", uid, uid);
    put("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1", gid, gid);
    put("/proc/self/gid_map", map);
    build_root(layers, project);
    loopback_up();
    must(chdir(project), project);
    load_filter();
    execvp(words[1], words + 1);
    err(127, "%s", words[1]);
  }
  int status = 0;
  waitpid((pid_t)child, &status, 0);
  for (const char* name = "work/work"; name != NULL; name = strcmp(name, "work/work") == 0 ? "work"
                                                            : strcmp(name, "work") == 0    ? "upper"
                                                                                           : NULL) {
    snprintf(place, sizeof place, "%s/%s", layers, name);
    rmdir(place);
  }
  rmdir(layers);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
