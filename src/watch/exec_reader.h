#pragma once

#include <linux/seccomp.h>

#include <string>

#include "watch/actor.h"
#include "watch/process_root.h"

namespace sandbox_run::watch {

/// Where an exec wants to go.
struct ExecPath {
  bool readable = false;
  std::string path;  // absolute, as the sandboxee sees it; "" if it could not be read
  std::string working_directory;
  std::string given;           // as the exec names it
  bool by_descriptor = false;  // execveat(2) with AT_EMPTY_PATH: fexecve(3), memfd_create(2)
  bool plain = false;          // execve(2): no descriptor and no flag has a say
};

/// Reads the memory and the /proc entries of a thread that waits in execve(2) or execveat(2). Never
/// throws and never blocks for what it finds there; everything is bounded. The caller checks
/// afterwards that the thread still waits (SECCOMP_IOCTL_NOTIF_ID_VALID): only then was it the
/// right one's memory.
ExecPath read_exec_path(int thread, const seccomp_data& call);

/// What the exec's path leads to. Unclear if it could not be read or is no plain one's.
Look look_at(const ProcessRoot& root, const ExecPath& where);

/// What execve(2) is certain to fail with, 0 if nothing is: no such file, or nobody may execute it.
/// A shell tries one directory of PATH after the other; those misses are not worth a record. They
/// must be answered with this errno: the path may have changed since it was read.
int certain_error(const ExecPath& where, const Look& program);

struct ExecReading {
  ExecFacts facts;
  bool complete = false;  // false: something could not be read, or was longer than is read
};
ExecReading read_exec(int thread, const seccomp_data& call, ExecPath where);

}  // namespace sandbox_run::watch
