#pragma once

#include <optional>
#include <string>

// What a project says of itself: files that are read whole.

namespace sandbox_run::plan {

/// Its text; nullopt for what can't be read, or has more than 4 MiB.
std::optional<std::string> read_text(const std::string& path);
/// Links are followed.
bool is_file(const std::string& path);

}  // namespace sandbox_run::plan
