#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sandbox_run::base {

/// RFC 4648, section 4: with padding, in one line.
std::string base64_encode(std::string_view bytes);
/// Lower case.
std::string hex_encode(std::string_view bytes);
/// Of hex_encode()'s own text: two digits a byte, lower case.
std::string hex_decode(std::string_view text);
/// CRC-32 of zlib and IEEE 802.3 (polynomial 0x04C11DB7, reflected).
std::uint32_t crc32(std::string_view bytes);
/// The public key (32 bytes) of an Ed25519 private key, the 32 bytes of `seed`: RFC 8032, 5.1.5.
std::string ed25519_public_key(std::string_view seed);

}  // namespace sandbox_run::base
