// What confines this process, one line each; and an install of a kind, in the working directory.
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void print_status(void) {
  static const char* const kept[] = {"NoNewPrivs", "Seccomp", "Cap",   "Uid",
                                     "Gid",        "Groups",  "SigBlk"};
  FILE* file = fopen("/proc/self/status", "r");
  char line[4096];
  while (file && fgets(line, sizeof line, file)) {
    for (size_t i = 0; i < sizeof kept / sizeof *kept; ++i) {
      if (strncmp(line, kept[i], strlen(kept[i])) == 0) fputs(line, stdout);
    }
  }
  if (file) fclose(file);
}

/// Without the numbers of mounts and devices.
static void print_mounts(void) {
  FILE* file = fopen("/proc/self/mountinfo", "r");
  char line[8192];
  while (file && fgets(line, sizeof line, file)) {
    char* at = line;
    for (int i = 0; i < 4 && at; ++i) at = strchr(at + 1, ' ');
    char* source = at ? strstr(at, " - ") : 0;
    if (!source) continue;
    char target[4096] = "", options[4096] = "", type[64] = "";
    sscanf(at, " %4095s %4095s", target, options);
    sscanf(source, " - %63s", type);
    printf("mount %s %s %s\n", target, options, type);
  }
  if (file) fclose(file);
}

static void print_namespaces(void) {
  static const char* const names[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    if (readlink(path, text, sizeof text - 1) > 0) printf("namespace %s\n", text);
  }
}

/// The kernel lets 16 domains lie in each other: as many as can be added tell how many there are.
static void print_landlock(void) {
  struct landlock_ruleset_attr attributes = {.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SOCK};
  int added = 0;
  for (; added < 20; ++added) {
    const int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) break;
    close(ruleset);
  }
  printf("landlock %d %s\n", added, strerror(errno));
}

static void print_descriptors(void) {
  for (int fd = 3; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) printf("descriptor %d\n", fd);
  }
}

static void put(const char* path, const char* text) {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || write(file, text, strlen(text)) < 0) {
    perror(path);
    exit(1);
  }
  close(file);
}

int main(void) {
  struct rlimit core;
  getrlimit(RLIMIT_CORE, &core);
  printf("core %lu %lu\n", (unsigned long)core.rlim_cur, (unsigned long)core.rlim_max);
  print_status();
  print_descriptors();
  print_mounts();
  print_namespaces();
  mkdir("node_modules/new", 0755);
  put("node_modules/new/index.js", "new\n");
  put("node_modules/changed.js", "after\n");
  put("package-lock.json", "{\"after\": 1}\n");
  unlink("node_modules/old/index.js");
  rmdir("node_modules/old");
  print_landlock();
  printf("end\n");
  return 0;
}
