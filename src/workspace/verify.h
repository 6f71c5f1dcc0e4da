#pragma once

#include <cstdint>
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

/// Are files what their paths say? Reads as much as a large install fetches, and no more: what is
/// beyond that counts as something else, and is fetched again. The attack: a file of terabytes
/// without a block on the disk, or one large one under many names, that is read for hours.
class Verifier {
 public:
  bool fits(int dir_fd, const std::string& name, const std::string& path, std::uint64_t size);

 private:
  std::uint64_t left_ = std::uint64_t{4} << 30;  // bytes
};

}  // namespace sandbox_run::workspace
