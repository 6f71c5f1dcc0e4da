#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

// DNS messages (RFC 1035, EDNS of RFC 6891) as far as a server needs them that answers one question
// from its own table. Pure: no socket, no clock, no allocation beyond the message's own size.
//
// Must:     stay within the bytes given; take time linear in them.
// Must not: follow a compression pointer (a question needs none, and loops live there).

namespace sandbox_run::broker {

enum class Rcode : std::uint8_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,  // NXDOMAIN
  not_implemented = 4,
  refused = 5,
  bad_version = 16  // EDNS: its upper bits travel in the OPT record
};

namespace dns_type {
inline constexpr std::uint16_t kA = 1;
inline constexpr std::uint16_t kAaaa = 28;
inline constexpr std::uint16_t kOpt = 41;
}  // namespace dns_type
inline constexpr std::uint16_t kDnsClassIn = 1;

struct DnsQuestion {
  /// Labels joined by dots, lower case, no trailing dot ("" is the root). A byte that no host name
  /// has, a dot within a label included, is written \DDD: such a text equals no host name.
  std::string name;
  bool is_host_name = false;  // only letters, digits, '-' and '_', and not the root
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::vector<std::uint8_t> raw;  // as it came, letter case kept, for the answer
};

struct DnsQuery {
  std::uint16_t id = 0;
  std::uint8_t opcode = 0;
  bool recursion_desired = false;
  /// no_error, or why it is to be answered with an error whatever the name is.
  Rcode problem = Rcode::no_error;
  std::optional<DnsQuestion> question;  // set if `problem` is no_error; else if it could be read
  bool edns = false;
};

/// nullopt: no query at all (shorter than a header, or itself a response): to be ignored.
std::optional<DnsQuery> parse_dns_query(std::span<const std::uint8_t> message);

struct DnsAnswer {
  Rcode rcode = Rcode::no_error;
  std::vector<std::uint8_t> address = {};  // 4 bytes: an A record; 16: AAAA; none: no record
  std::uint32_t ttl = 0;
};

/// At most 12 + 259 + 28 + 11 bytes, so never truncated (RFC 1035's limit is 512).
std::vector<std::uint8_t> build_dns_response(const DnsQuery& query, const DnsAnswer& answer);

/// "A", "AAAA", "HTTPS", …; "TYPE12345" for one without a name here (RFC 3597).
std::string dns_type_name(std::uint16_t type);

}  // namespace sandbox_run::broker
