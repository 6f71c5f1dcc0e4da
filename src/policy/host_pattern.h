#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sandbox_run::policy {

/// What a rule names: an exact host name, every name below a domain ("*.example.com"), an IP
/// address literal, or this host's own loopback ("localhost").
class HostPattern {
 public:
  /// Throws UserError, in words: refuses "*", "*.com" (a whole public suffix), a star elsewhere,
  /// empty labels, labels over 63 or names over 253 bytes, NUL and any byte outside
  /// letters, digits, '-', '_' and '.', and a trailing dot. The text is stored in lower case.
  static HostPattern parse(std::string_view text);

  /// `name` as looked up (any letter case, no trailing dot). "*.example.com" matches
  /// "a.example.com" and "a.b.example.com", not "example.com".
  bool matches(std::string_view name) const;

  bool is_wildcard() const { return wildcard_; }
  bool is_address() const {
    return address_;
  }  // IPv4 or IPv6 literal (no brackets), canonical text
  /// "localhost", 127.0.0.0/8 or ::1: a service of the host's own loopback.
  bool is_loopback() const;
  /// As written, lower case: "*.example.com".
  std::string text() const { return wildcard_ ? "*." + name_ : name_; }

  friend bool operator==(const HostPattern&, const HostPattern&) = default;

 private:
  std::string name_;
  bool wildcard_ = false;
  bool address_ = false;
};

/// "HOST[:PORT]" with an IPv6 literal in brackets if a port follows. `port` is 0 if none is given.
struct HostAndPort {
  HostPattern host;
  std::uint16_t port = 0;
};
HostAndPort parse_host_and_port(std::string_view text);

}  // namespace sandbox_run::policy
