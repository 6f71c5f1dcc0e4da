#pragma once

#include <string>

#include "plan/parcel.h"

// Which trees beside the distribution are too large to be looked through: found by one run, known
// to those of a day. In <state>/large-trees, which no package may write: a line each of when it was
// found (s), inode, time of change (ns) and path.

namespace sandbox_run::cli {

/// Empty if there are none that were found within a day, or no list that can be read.
plan::LargeTrees read_large_trees(const std::string& state);
/// Where it can't be written, the next run counts once more.
void write_large_trees(const std::string& state, const plan::LargeTrees& trees) noexcept;

}  // namespace sandbox_run::cli
