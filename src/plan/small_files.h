#pragma once

#include <optional>
#include <string>
#include <vector>

// What a project says of itself: files that are read whole, directories.

namespace sandbox_run::plan {

/// Its text; nullopt for what can't be read, or has more than 4 MiB.
std::optional<std::string> read_text(const std::string& path);
/// Links are followed.
bool is_file(const std::string& path);
/// What is in a directory; nothing if it can't be listed.
std::vector<std::string> names_in(const std::string& directory);

}  // namespace sandbox_run::plan
