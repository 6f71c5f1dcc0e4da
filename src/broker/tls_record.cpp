#include "broker/tls_record.h"

#include <algorithm>

namespace sandbox_run::broker {

TlsRecord read_tls_record(std::span<const std::uint8_t> bytes) {
  TlsRecord record;
  record.valid = true;
  if (!bytes.empty()) {
    record.type = bytes[0];
    record.valid =
        record.type >= tls_type::kChangeCipherSpec && record.type <= tls_type::kApplicationData;
  }
  // The version's first byte has been 3 since SSL 3.0; readers ignore the second.
  if (bytes.size() > 1 && bytes[1] != 3) record.valid = false;
  if (!record.valid || bytes.size() < kTlsRecordHeader) return record;
  record.header_missing = false;
  record.length = std::size_t{bytes[3]} << 8U | bytes[4];
  const std::size_t most =
      record.type == tls_type::kApplicationData ? kMaxTlsCiphertext : kMaxTlsPlaintext;
  record.valid = record.length > 0 && record.length <= most;
  record.content = bytes.subspan(kTlsRecordHeader);
  record.content = record.content.first(std::min(record.content.size(), record.length));
  return record;
}

}  // namespace sandbox_run::broker
