#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace sandbox_run::plan {

/// At most `most` of `paths`, if that can be: many in one directory become that one as a whole,
/// unless something else `is_wanted` of it. In order, none beneath another.
void gather_in_directories(std::vector<std::string>& paths, std::size_t most,
                           const std::function<bool(const std::string& directory)>& is_wanted);

}  // namespace sandbox_run::plan
