#include "watch/remote_memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>

namespace sandbox_run::watch {

std::optional<std::string> RemoteMemory::read_string(std::uint64_t address, std::size_t max) {
  std::string text;
  while (text.size() < max) {
    if (!load(address)) return std::nullopt;
    const std::size_t offset = address % kBlock;
    const std::size_t length = std::min(kBlock - offset, max - text.size());
    const char* begin = block_.data() + offset;
    const void* end = std::memchr(begin, '\0', length);
    if (end != nullptr) return text.append(begin, static_cast<const char*>(end));
    text.append(begin, length);
    address += length;
  }
  return text;
}

std::vector<std::uint64_t> RemoteMemory::read_pointers(std::uint64_t address, std::size_t max,
                                                       bool& complete) {
  std::vector<std::uint64_t> pointers;
  if (address == 0) return pointers;  // Linux takes a null argv or envp for an empty one
  while (true) {
    std::uint64_t pointer = 0;
    if (!read_word(address, pointer)) break;
    if (pointer == 0) return pointers;
    if (pointers.size() == max) break;
    pointers.push_back(pointer);
    address += sizeof(pointer);
  }
  complete = false;
  return pointers;
}

bool RemoteMemory::read_word(std::uint64_t address, std::uint64_t& word) {
  std::array<char, sizeof(word)> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {  // it need not be aligned
    if (!load(address + i)) return false;
    bytes[i] = block_[(address + i) % kBlock];
  }
  std::memcpy(&word, bytes.data(), sizeof(word));
  return true;
}

bool RemoteMemory::load(std::uint64_t address) {
  const std::uint64_t start = address - address % kBlock;
  if (loaded_ && start == start_) return true;
  loaded_ = false;
  const iovec here{block_.data(), kBlock};
  // An address in another process, which we never follow.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const iovec there{reinterpret_cast<void*>(start), kBlock};
  loaded_ = ::process_vm_readv(thread_, &here, 1, &there, 1, 0) == static_cast<ssize_t>(kBlock);
  start_ = start;
  return loaded_;
}

}  // namespace sandbox_run::watch
