// LD_PRELOAD: how long a process waits for the disk in fsync(2) and its like. At its end the sum,
// in microseconds, is appended as a line to the file that SYNC_TIME_FILE names.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int report = -1;
static long long waited;

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

// Opened at once: later the process may have shut itself out.
__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("SYNC_TIME_FILE");
  if (path) report = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

__attribute__((destructor)) static void end(void) {
  if (report >= 0) dprintf(report, "%lld\n", waited);
}

#define TIMED(name)                                           \
  int name(int fd) {                                          \
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, #name); \
    const long long started = now();                          \
    const int result = real(fd);                              \
    waited += now() - started;                                \
    return result;                                            \
  }

TIMED(fsync)
TIMED(fdatasync)
TIMED(syncfs)
