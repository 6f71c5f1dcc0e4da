#pragma once

#include <vector>

namespace sandbox_run::sandbox {

/// Closes every descriptor but these; -1 among them is none. See close_range(2).
void close_all_but(std::vector<int> kept);

}  // namespace sandbox_run::sandbox
