#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// The layer below all messages of TLS (RFC 8446 5.1). Pure.

namespace sandbox_run::broker {

inline constexpr std::size_t kTlsRecordHeader = 5;
/// RFC 8446 5.1 and 5.2: what may be in one, and what encryption may add.
inline constexpr std::size_t kMaxTlsPlaintext = 1U << 14;
inline constexpr std::size_t kMaxTlsCiphertext = kMaxTlsPlaintext + 2048;  // RFC 5246 6.2.3

namespace tls_type {
inline constexpr std::uint8_t kChangeCipherSpec = 20;
inline constexpr std::uint8_t kAlert = 21;
inline constexpr std::uint8_t kHandshake = 22;
inline constexpr std::uint8_t kApplicationData = 23;
}  // namespace tls_type

namespace tls_handshake {
inline constexpr std::uint8_t kClientHello = 1;
inline constexpr std::uint8_t kServerHello = 2;
}  // namespace tls_handshake

struct TlsRecord {
  bool valid = false;          // as far as it is there; the rest says nothing if not
  bool header_missing = true;  // or a part of it; the rest says nothing if so
  std::uint8_t type = 0;
  std::size_t length = 0;                      // of the content
  std::span<const std::uint8_t> content = {};  // what is there of it
};

/// `bytes` begin with the record.
TlsRecord read_tls_record(std::span<const std::uint8_t> bytes);

}  // namespace sandbox_run::broker
