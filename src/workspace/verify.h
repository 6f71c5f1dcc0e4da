#pragma once

#include <optional>
#include <string>

namespace sandbox_run::workspace {

struct ContentDigest {
  std::string algorithm;  // "sha512"
  std::string hex;
};

/// The digest that a content-addressed file of npm's cache (cacache) must have, told by its path:
/// "_cacache/content-v2/sha512/ab/cd/ef…". nullopt: no such path.
std::optional<ContentDigest> digest_in_path(const std::string& path);

/// Is the file what its path says?
bool is_verified(int dir_fd, const std::string& name, const std::string& path);

}  // namespace sandbox_run::workspace
