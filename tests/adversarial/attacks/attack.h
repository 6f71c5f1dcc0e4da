// What the attack programs share: how they say what happened.
//
// Exit code 0: blocked. 1: the attack worked. 99: it could not even be tried. One line on standard
// output names the errno, so that the test can assert the reason.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kBlocked = 0, kWorked = 1, kCouldNotTry = 99 };

/// `result` of the call that is the attack: below zero means that it was refused.
static inline int judge(long result) {
  if (result >= 0) {
    printf("worked\n");
    return kWorked;
  }
  printf("blocked: %s\n", strerrorname_np(errno));
  return kBlocked;
}

/// For calls that fail in any case, since their arguments are harmless nonsense: an errno that only
/// the code behind the permission check gives means that the call was let through.
static inline int judge_reached(long result, int errno_behind_the_check) {
  if (result < 0 && errno == errno_behind_the_check) {
    printf("worked: reached the kernel's code\n");
    return kWorked;
  }
  return judge(result);
}

static inline int could_not_try(const char* why) {
  printf("could not try: %s: %s\n", why, strerrorname_np(errno));
  return kCouldNotTry;
}

struct Attack {
  const char* name;
  int (*run)(void);
};

static inline int run_attack(const struct Attack* attacks, size_t count, int argc, char** argv) {
  for (size_t i = 0; argc > 1 && i < count; ++i) {
    if (strcmp(argv[1], attacks[i].name) == 0) return attacks[i].run();
  }
  fprintf(stderr, "usage: %s ATTACK\n", argv[0]);
  return kCouldNotTry;
}
