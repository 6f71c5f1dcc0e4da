#include "policy/git_index.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sandbox_run::policy {
namespace {

constexpr std::size_t kObjectName = 20;  // of SHA-1
constexpr std::size_t kStat = 40;        // times, device, inode, mode, owners, size
constexpr std::size_t kModeAt = 24;
constexpr std::uint16_t kExtended = 0x4000;
constexpr std::uint16_t kNameLength = 0x0FFF;

struct Entry {
  std::string path;
  std::uint32_t mode = 0;
  std::string object;
  std::uint32_t flags = 0;
  friend bool operator==(const Entry&, const Entry&) = default;
};

struct Index {
  std::vector<Entry> entries;
  std::string extensions;  // but for those that are caches of what is known anyway
  friend bool operator==(const Index&, const Index&) = default;
};

/// Reads big-endian numbers and bytes; what is not there makes it bad.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

  bool is_good() const { return good_; }
  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

  std::string_view take(std::size_t count) {
    if (count > left()) {
      good_ = false;
      return {};
    }
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }

  std::uint32_t number(std::size_t count) {
    std::uint32_t value = 0;
    for (const char byte : take(count)) value = value << 8U | static_cast<unsigned char>(byte);
    return value;
  }

  std::string_view until_nul() {
    const std::size_t end = bytes_.find('\0', at_);
    if (end == std::string_view::npos) {
      good_ = false;
      return {};
    }
    const std::string_view text = take(end - at_);
    take(1);
    return text;
  }

  /// A number as git's packs have it: seven bits a byte, one added for each byte that follows.
  std::size_t variable_number() {
    std::uint32_t byte = number(1);
    std::size_t value = byte & 0x7FU;
    while (good_ && (byte & 0x80U) != 0 && value < (1U << 24U)) {
      byte = number(1);
      value = (value + 1) << 7U | (byte & 0x7FU);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

/// Version 4 says how much of the path before to cut off; the others pad to eight bytes.
void read_path(Bytes& bytes, std::uint32_t version, std::size_t began, const std::string& before,
               std::string& path) {
  if (version == 4) {
    const std::size_t cut = bytes.variable_number();
    if (cut > before.size()) {
      bytes.take(bytes.left() + 1);
      return;
    }
    path = before.substr(0, before.size() - cut);
    path += bytes.until_nul();
    return;
  }
  path = bytes.until_nul();
  const std::size_t size = bytes.at() - began;
  bytes.take((8 - size % 8) % 8);
}

/// The cached trees, resolved conflicts, and where the entries end and begin.
bool is_cache(std::string_view signature) {
  static constexpr std::array<std::string_view, 4> kCaches = {"TREE", "REUC", "EOIE", "IEOT"};
  return std::find(kCaches.begin(), kCaches.end(), signature) != kCaches.end();
}

std::optional<Index> parse_index(std::string_view text) {
  Bytes bytes(text);
  if (bytes.take(4) != "DIRC") return std::nullopt;
  const std::uint32_t version = bytes.number(4);
  const std::uint32_t count = bytes.number(4);
  if (version < 2 || version > 4 || count > text.size() / (kStat + kObjectName)) {
    return std::nullopt;
  }
  Index index;
  std::string before;
  for (std::uint32_t i = 0; i < count && bytes.is_good(); ++i) {
    const std::size_t began = bytes.at();
    Entry entry;
    bytes.take(kModeAt);
    entry.mode = bytes.number(4);
    bytes.take(kStat - kModeAt - 4);
    entry.object = bytes.take(kObjectName);
    entry.flags = bytes.number(2);
    const bool extended = (entry.flags & kExtended) != 0;
    entry.flags &= ~std::uint32_t{kNameLength};
    if (extended) entry.flags |= bytes.number(2) << 16U;
    read_path(bytes, version, began, before, entry.path);
    before = entry.path;
    index.entries.push_back(std::move(entry));
  }
  while (bytes.is_good() && bytes.left() > kObjectName) {
    const std::string signature(bytes.take(4));
    const std::uint32_t size = bytes.number(4);
    const std::string_view content = bytes.take(size);
    if (!is_cache(signature)) index.extensions.append(signature).append(content);
  }
  if (!bytes.is_good() || bytes.left() != kObjectName) return std::nullopt;
  return index;
}

}  // namespace

bool same_index_entries(std::string_view before, std::string_view after) {
  const std::optional<Index> old_index = parse_index(before);
  return old_index && old_index == parse_index(after);
}

}  // namespace sandbox_run::policy
