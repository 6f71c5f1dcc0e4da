#pragma once

namespace sandbox_run::cli {

/// The command's own code and 128 + n for a signal apart; see EXIT STATUS in sandbox-run(1). As
/// env(1) and timeout(1) use them.
enum ExitCode : int {
  kOk = 0,
  kLockDiffers = 1,  // of `lock diff`
  kUsageError = 2,   // a bad option, profile or configuration: nothing was run
  kAlert = 122,      // the command ended well, but an alert was raised (in CI)
  kTimeLimit = 124,
  kSetupFailed = 125,  // the sandbox could not be set up, or its changes not be committed
  kNotExecutable = 126,
  kNotFound = 127,
  kSignalBase = 128
};

}  // namespace sandbox_run::cli
