#include "broker/server_answer.h"

#include <algorithm>
#include <array>

#include "broker/tls_record.h"

namespace sandbox_run::broker {
namespace {

/// RFC 8446 4.1.3: a ServerHello with this as its random is a HelloRetryRequest.
constexpr std::array<std::uint8_t, 32> kRetryRandom = {
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
/// Of a ServerHello, before its random: type, length, version.
constexpr std::size_t kBeforeRandom = 1 + 3 + 2;

}  // namespace

ServerAnswer read_server_answer(std::span<const std::uint8_t> bytes) {
  using Kind = ServerAnswer::Kind;
  const TlsRecord record = read_tls_record(bytes);
  if (!record.valid) return {Kind::final};
  if (record.header_missing) {
    const bool may_ask = bytes.empty() || record.type == tls_type::kHandshake;
    return may_ask ? ServerAnswer{Kind::incomplete, kTlsRecordHeader} : ServerAnswer{Kind::final};
  }
  if (record.type != tls_type::kHandshake) return {Kind::final};
  if (record.content.empty()) return {Kind::incomplete, kTlsRecordHeader + 1};
  if (record.content[0] != tls_handshake::kServerHello) return {Kind::final};
  constexpr std::size_t kNeeded = kBeforeRandom + kRetryRandom.size();
  if (record.length < kNeeded) return {Kind::unreadable};
  if (record.content.size() < kNeeded) return {Kind::incomplete, kTlsRecordHeader + kNeeded};
  const auto random = record.content.subspan(kBeforeRandom, kRetryRandom.size());
  return {std::equal(random.begin(), random.end(), kRetryRandom.begin()) ? Kind::retry_request
                                                                         : Kind::final};
}

}  // namespace sandbox_run::broker
