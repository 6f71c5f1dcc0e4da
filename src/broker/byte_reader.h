#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sandbox_run::broker {

/// Reads numbers in network byte order, forward only; once something was missing, ok() is false and
/// everything reads as zero or empty.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint8_t u8() {
    if (offset_ >= bytes_.size()) {
      ok_ = false;
      return 0;
    }
    return bytes_[offset_++];
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8U | u8());
  }
  std::span<const std::uint8_t> take(std::size_t count) {
    if (count > left()) {
      ok_ = false;
      return {};
    }
    offset_ += count;
    return bytes_.subspan(offset_ - count, count);
  }
  void fail() { ok_ = false; }
  bool ok() const { return ok_; }
  std::size_t offset() const { return offset_; }
  std::size_t left() const { return bytes_.size() - offset_; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t offset_ = 0;
  bool ok_ = true;
};

}  // namespace sandbox_run::broker
