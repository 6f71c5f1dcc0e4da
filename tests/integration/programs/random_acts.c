/* random_acts KIND COUNT SEED...: for each seed COUNT random operations on files below the
 * directory of that name, the same ones for the same seed. What an operation can't do it leaves
 * undone. KIND "all", or "plain": no symbolic links. A directory is renamed as programs do it on an
 * overlay: copied (mv), so that its files' hard links to others end there as here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static uint64_t state;

static unsigned pick(unsigned count) {
  state = state * 6364136223846793005U + 1442695040888963407U;
  return (unsigned)(state >> 33) % count;
}

static void choose(char* path) {
  static const char* const names[] = {"a", "b", "c", "dir", "new\nline", "\xff\xfe", "with space"};
  strcpy(path, names[pick(7)]);
  for (unsigned depth = pick(3); depth > 0; --depth) {
    strcat(path, "/");
    strcat(path, names[pick(7)]);
  }
}

static int is_kind(const char* path, mode_t kind) {
  struct stat status;
  return lstat(path, &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

static void write_file(const char* path, int flags) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | flags, 0644);
  char text[32];
  const unsigned length = pick(20), letter = 'a' + pick(26);
  memset(text, (int)letter, sizeof text);
  if (fd < 0) return;
  if (pick(3) == 0) lseek(fd, pick(5000), SEEK_SET);
  if (write(fd, text, length) < 0) perror("write");
  close(fd);
}

static void remove_tree(const char* path) {
  if (unlink(path) == 0) return;
  DIR* directory = opendir(path);
  if (directory == NULL) return;
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char child[4096];
    snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
    remove_tree(child);
  }
  closedir(directory);
  rmdir(path);
}

static void copy_directory(const char* from, const char* to) {
  const pid_t child = fork();
  if (child == 0) {
    freopen("/dev/null", "w", stderr);
    execlp("cp", "cp", "-RP", "--preserve=mode,xattr", "-T", "--", from, to, (char*)NULL);
    _exit(127);
  }
  waitpid(child, NULL, 0);
}

static void rename_entry(const char* from, const char* to) {
  struct stat status;
  if (!is_kind(from, S_IFDIR)) {
    rename(from, to);
  } else if (lstat(to, &status) != 0 && errno == ENOENT &&
             !(strncmp(to, from, strlen(from)) == 0 && to[strlen(from)] == '/')) {
    copy_directory(from, to);
    if (is_kind(to, S_IFDIR)) remove_tree(from);
  }
}

static void change_mode(const char* path) {
  static const mode_t modes[] = {0644, 0600, 0755, 0700, 0444};
  const mode_t mode = modes[pick(5)];
  if (is_kind(path, S_IFDIR)) chmod(path, mode | 0700);
  if (is_kind(path, S_IFREG)) chmod(path, mode);
}

/* Of files: those of a directory that both sides have are not taken over. */
static void change_attribute(const char* path) {
  if (!is_kind(path, S_IFREG)) return;
  if (pick(3) == 0) {
    removexattr(path, "user.mine");
  } else {
    char letter = (char)('a' + pick(26));
    setxattr(path, "user.mine", &letter, 1, 0);
  }
}

static void act(int plain) {
  char at[128], other[128];
  choose(at);
  choose(other);
  switch (pick(14)) {
    case 0:
    case 1:
      return write_file(at, O_TRUNC);
    case 2:
      return write_file(at, O_APPEND);
    case 3:
    case 4:
      mkdir(at, 0755);
      return;
    case 5:
      unlink(at);
      return;
    case 6:
      return remove_tree(at);
    case 7:
      if (!plain && symlink(other, at) != 0) return;
      return;
    case 8:
      return change_mode(at);
    case 9:
      return rename_entry(at, other);
    case 10:
      if (link(at, other) != 0) return;
      return;
    case 11:
      if (is_kind(at, S_IFREG) && truncate(at, pick(30)) != 0) return;
      return;
    case 12: /* a file becomes a directory, or back */
      if (is_kind(at, S_IFREG) && unlink(at) == 0) {
        mkdir(at, 0755);
      } else if (rmdir(at) == 0) {
        write_file(at, O_EXCL);
      }
      return;
    default:
      return change_attribute(at);
  }
}

/* In the sandbox root has no capability: without it either, it must heed modes here as there. */
static void drop_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2];
  memset(none, 0, sizeof none);
  syscall(SYS_capset, &header, none);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* cp must not regain them */
}

int main(int argc, char** argv) {
  if (argc < 4) return 99;
  drop_capabilities();
  umask(022);
  for (int i = 3; i < argc; ++i) {
    state = strtoull(argv[i], NULL, 10) * 2654435761U + 12345;
    if (chdir(argv[i]) != 0) return 99;
    for (int left = atoi(argv[2]); left > 0; --left) act(strcmp(argv[1], "plain") == 0);
    if (chdir("..") != 0) return 99;
  }
  return 0;
}
