#pragma once

#include "watch/process_root.h"

namespace sandbox_run::watch {

/// A virtual environment's Python that is a copy (`python3 -m venv --copies`; virtualenv's app-data
/// by copy): what it is a copy of, which the environment's pyvenv.cfg names (`home =`, see Python's
/// site module), if each byte is the same and that one is no environment's. Anything else:
/// `program` as it was. Bounded: a few MiB are read, and remembered by what fstat(2) says.
///
/// The attack: a package puts an interpreter of its own there, or changes one byte of the copy.
class CopiedPython {
 public:
  Look original(const ProcessRoot& root, const Look& program);

 private:
  struct stat copy_ {};
  struct stat seen_ {};  // the original
};

}  // namespace sandbox_run::watch
