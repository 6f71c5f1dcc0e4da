#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sandbox/launch.h"

// How init names the sockets it passes: four bytes each, in the order of the descriptors, and one
// record "end" after the last.

namespace sandbox_run::sandbox {

inline constexpr std::size_t kSocketsPerMessage = 32;

struct InnerSocketRecord {
  InnerSocket::Kind kind;
  bool ipv6;
  std::uint16_t port;
};

inline void append_record(std::string& records, const InnerSocketRecord& record) {
  records += static_cast<char>(record.kind);
  records += record.ipv6 ? '6' : '4';
  records += static_cast<char>(record.port >> 8U);
  records += static_cast<char>(record.port & 0xFFU);
}

inline void append_end(std::string& records) { records += "end."; }
inline bool is_end(std::string_view record) { return record == "end."; }

inline InnerSocketRecord parse_record(std::string_view record) {
  return {static_cast<InnerSocket::Kind>(record[0]), record[1] == '6',
          static_cast<std::uint16_t>((static_cast<unsigned char>(record[2]) << 8U) |
                                     static_cast<unsigned char>(record[3]))};
}

}  // namespace sandbox_run::sandbox
