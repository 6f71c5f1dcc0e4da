// Typing into the caller's terminal: what is typed there runs outside, as the caller (CVE-2017-5226
// and its kind). The terminal is standard input.

#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "attack.h"

// Without the privilege newer kernels answer EIO, from behind any filter; a terminal that is no
// virtual console answers ENOTTY to TIOCLINUX.
static int type_a_key(void) {
  char key = ' ';
  return judge_reached(ioctl(STDIN_FILENO, TIOCSTI, &key), EIO);
}

// The kernel looks at the lower 32 bits alone, a filter may look at all 64 (CVE-2019-10063).
static int type_a_key_high_bits(void) {
  char key = ' ';
  const uint64_t request = (uint64_t)TIOCSTI | (1ULL << 40);
  return judge_reached(syscall(SYS_ioctl, STDIN_FILENO, request, &key), EIO);
}

static int console(void) {
  char sub_code = 12;  // which console is in front: harmless
  return judge_reached(ioctl(STDIN_FILENO, TIOCLINUX, &sub_code), ENOTTY);
}

// Harmless as they are tried: the discipline that it has, output that goes on, and back again.
static int discipline(void) {
  int number = 0;
  return judge(ioctl(STDIN_FILENO, TIOCSETD, &number));
}

static int stop_output(void) { return judge(ioctl(STDIN_FILENO, TCXONC, TCOON)); }

static int exclusive(void) {
  const int result = ioctl(STDIN_FILENO, TIOCEXCL);
  const int error = errno;
  ioctl(STDIN_FILENO, TIOCNXCL);
  errno = error;
  return judge(result);
}

int main(int argc, char** argv) {
  const struct Attack attacks[] = {
      {"type_a_key", type_a_key},   {"type_a_key_high_bits", type_a_key_high_bits},
      {"console", console},         {"discipline", discipline},
      {"stop_output", stop_output}, {"exclusive", exclusive}};
  if (!isatty(STDIN_FILENO)) return could_not_try("standard input is no terminal");
  return run_attack(attacks, sizeof attacks / sizeof attacks[0], argc, argv);
}
