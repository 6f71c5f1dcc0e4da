/* Nanoseconds of a system call, for scripts/bench calls: `calls` prints a line "NAME NANOSECONDS"
   each. What is measured is what the caller waits, with whatever filter and notification there is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void call_getpid(void) { syscall(SYS_getpid); }
static void call_stat(void) {
  struct stat status;
  stat("calls.tmp", &status);
}
static void call_open(void) { close(open("calls.tmp", O_RDONLY | O_CLOEXEC)); }
static void call_open_to_write(void) { close(open("calls.tmp", O_WRONLY | O_CLOEXEC)); }
static int written = -1;
static void call_write(void) {
  if (pwrite(written, "x", 1, 0) != 1) exit(1);
}
static void call_connect(void) {  // refused: nobody listens there, inside or outside
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  (void)!connect(fd, (struct sockaddr*)&to, sizeof to);
  close(fd);
}
static void call_execve(void) {
  char* words[] = {"true", NULL};
  pid_t child;
  if (posix_spawn(&child, "/bin/true", NULL, NULL, words, environ) != 0) exit(1);
  waitpid(child, NULL, 0);
}

int main(void) {
  const struct {
    const char* name;
    void (*call)(void);
    int count;
  } calls[] = {
      {"getpid", call_getpid, 200000},       {"stat", call_stat, 50000},
      {"openat, to read", call_open, 30000}, {"openat, to write", call_open_to_write, 30000},
      {"pwrite", call_write, 50000},         {"connect", call_connect, 3000},
      {"execve", call_execve, 300}};
  written = open("calls.tmp", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (written < 0) return 1;
  for (unsigned i = 0; i < sizeof calls / sizeof *calls; ++i) {
    for (int warm = 0; warm < calls[i].count / 20; ++warm) calls[i].call();
    const double began = now();
    for (int round = 0; round < calls[i].count; ++round) calls[i].call();
    printf("%s\t%.1f\n", calls[i].name, (now() - began) / calls[i].count);
  }
  return unlink("calls.tmp");
}
