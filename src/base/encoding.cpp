#include "base/encoding.h"

#include <nettle/base64.h>
#include <nettle/eddsa.h>

#include <boost/crc.hpp>
#include <cerrno>

#include "base/sys_error.h"

namespace sandbox_run::base {
namespace {

const std::uint8_t* octets(std::string_view bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text(BASE64_ENCODE_RAW_LENGTH(bytes.size()), '\0');
  base64_encode_raw(text.data(), bytes.size(), octets(bytes));
  return text;
}

std::string hex_encode(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4U];
    text += kDigits[static_cast<unsigned char>(byte) & 0xFU];
  }
  return text;
}

std::string hex_decode(std::string_view text) {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(value(text[i]) << 4 | value(text[i + 1]));
  }
  return bytes;
}

std::uint32_t crc32(std::string_view bytes) {
  boost::crc_32_type sum;
  sum.process_bytes(bytes.data(), bytes.size());
  return sum.checksum();
}

std::string ed25519_public_key(std::string_view seed) {
  if (seed.size() != ED25519_KEY_SIZE) throw SysError(EINVAL, "making an Ed25519 key");
  std::string key(ED25519_KEY_SIZE, '\0');
  ed25519_sha512_public_key(reinterpret_cast<std::uint8_t*>(key.data()), octets(seed));
  return key;
}

}  // namespace sandbox_run::base
