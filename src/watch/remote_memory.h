#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sandbox_run::watch {

/// Another process's memory, read in aligned blocks (never across a page's end), the last of which
/// is kept: argv and environment strings mostly lie side by side. process_vm_readv(2).
class RemoteMemory {
 public:
  explicit RemoteMemory(int thread) : thread_(thread) {}

  /// Up to the NUL, or the first `max` bytes. nullopt: a part of it cannot be read.
  std::optional<std::string> read_string(std::uint64_t address, std::size_t max);

  /// The pointers of a NULL-terminated array, at most `max`. `complete` is set to false if the end
  /// was not reached.
  std::vector<std::uint64_t> read_pointers(std::uint64_t address, std::size_t max, bool& complete);

 private:
  static constexpr std::size_t kBlock = 4096;

  bool read_word(std::uint64_t address, std::uint64_t& word);
  bool load(std::uint64_t address);

  int thread_;
  bool loaded_ = false;
  std::uint64_t start_ = 0;
  std::array<char, kBlock> block_;
};

}  // namespace sandbox_run::watch
