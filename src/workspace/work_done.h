#pragma once

#include <atomic>
#include <cstdint>

namespace sandbox_run::workspace {

/// Entries that this process has copied or removed so far. Only grows; read by whoever shows that
/// long work goes on.
inline std::atomic<std::uint64_t> work_done{0};  // NOLINT: told apart by nobody, so there is one

}  // namespace sandbox_run::workspace
