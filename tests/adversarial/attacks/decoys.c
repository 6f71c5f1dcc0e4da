/* Ways to open a file that somebody watches: decoys MODE FILE. Prints the first line that it got,
 * or "blocked: " and why. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[4096];

static int show(int fd) {
  char text[256];
  ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (got < 0) {
    printf("blocked: %s\n", strerror(errno));
    return 1;
  }
  printf("%.*s", (int)got, text);
  fflush(stdout);
  return 0;
}

/* While the main thread waits in open(2), the path in its memory becomes another. */
static void* overwrite(void* unused) {
  (void)unused;
  for (int i = 0; i < 200; ++i) {
    usleep(50);
    if (i == 1) strcpy(path, "/etc/hosts");
  }
  return NULL;
}

static void* open_in_thread(void* unused) {
  (void)unused;
  show(open(path, O_RDONLY));
  return NULL;
}

/* Nobody is left of those who started us: a group and a session of our own. */
static void leave(void) {
  if (fork() != 0) _exit(0);
  setsid();
  if (fork() != 0) _exit(0);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const char* mode = argv[1];
  pthread_t thread;
  snprintf(path, sizeof path, "%s", argv[2]);
  if (strcmp(mode, "plain") == 0) return show(open(path, O_RDONLY));
  if (strcmp(mode, "nonblock") == 0) return show(open(path, O_RDONLY | O_NONBLOCK));
  if (strcmp(mode, "spin") == 0) {
    for (int i = 0; i < 20000; ++i) {
      int fd = open(path, O_RDONLY | O_NONBLOCK);
      if (fd >= 0) return show(fd);
    }
    printf("blocked: never\n");
    return 1;
  }
  if (strcmp(mode, "write") == 0) return show(open(path, O_RDWR));
  if (strcmp(mode, "reopen") == 0) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", open(path, O_PATH));
    return show(open(link, O_RDONLY));
  }
  if (strcmp(mode, "directory") == 0) {
    char* slash = strrchr(path, '/');
    *slash = '\0';
    return show(openat(open(path, O_RDONLY | O_DIRECTORY), slash + 1, O_RDONLY));
  }
  if (strcmp(mode, "link") == 0) {
    const char* name = argc > 3 ? argv[3] : "/tmp/link";
    if (symlink(path, name) != 0) return show(-1);
    return show(open(name, O_RDONLY));
  }
  if (strcmp(mode, "rename") == 0) {
    char other[4200];
    snprintf(other, sizeof other, "%s.x", path);
    if (rename(path, other) != 0) return show(-1);
    return show(open(other, O_RDONLY));
  }
  if (strcmp(mode, "thread") == 0) {
    pthread_create(&thread, NULL, open_in_thread, NULL);
    pthread_join(thread, NULL);
    return 0;
  }
  if (strcmp(mode, "leaderless") == 0) {
    pthread_create(&thread, NULL, open_in_thread, NULL);
    pthread_exit(NULL);
  }
  if (strcmp(mode, "flip") == 0) {
    pthread_create(&thread, NULL, overwrite, NULL);
    return show(open(path, O_RDONLY));
  }
  if (strcmp(mode, "daemon") == 0) {
    leave();
    return show(open(path, O_RDONLY));
  }
  if (strcmp(mode, "twice") == 0) {
    show(open(path, O_RDONLY));
    if (fork() == 0) return show(open(path, O_RDONLY));
    wait(NULL);
    return 0;
  }
  return 2;
}
