#include "policy/host_pattern.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/sys_error.h"
#include "base/text.h"

// Host patterns are read strictly: a rule that means more than its writer saw ("*.com", "127.1", a
// name with a NUL) is refused in words. Matching is on names of plain labels only.

namespace sandbox_run::policy {
namespace {

using base::UserError;

constexpr std::size_t kMaxName = 253;  // RFC 1035 2.3.4, in text form
constexpr std::size_t kMaxLabel = 63;

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw UserError("'" + base::printable(text.substr(0, 80)) + "' is not a host pattern: " + why);
}

/// Canonical text of an IPv4 or IPv6 literal; "::ffff:1.2.3.4" becomes "1.2.3.4", for it is the
/// same host and must not slip past a rule about it.
std::optional<std::string> canonical_address(std::string_view text) {
  const std::string name(text);
  if (name.size() != std::strlen(name.c_str())) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> out{};
  in_addr v4{};
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1) {
    return ::inet_ntop(AF_INET, &v4, out.data(), out.size());
  }
  in6_addr v6{};
  if (::inet_pton(AF_INET6, name.c_str(), &v6) != 1) return std::nullopt;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    return ::inet_ntop(AF_INET, &v6.s6_addr[12], out.data(), out.size());
  }
  return ::inet_ntop(AF_INET6, &v6, out.data(), out.size());
}

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/// inet_aton(3) and URL parsers read "127.1", "0x7f000001" and "2130706433" as addresses.
bool looks_like_number(std::string_view label) {
  const bool hex = label.starts_with("0x");
  if (hex) label.remove_prefix(2);
  const std::string_view digits = hex ? "0123456789abcdef" : "0123456789";
  return label.find_first_not_of(digits) == std::string_view::npos;
}

void check_labels(std::string_view name, std::string_view text) {
  const std::vector<std::string> labels = base::split(name, '.');
  for (const std::string& label : labels) {
    if (label.empty()) refuse(text, "a label between two dots is empty");
    if (label.size() > kMaxLabel) refuse(text, "a label is longer than 63 bytes");
    if (label.find('*') != std::string::npos) {
      refuse(text, "a star may only stand first and alone, as in '*.example.com'");
    }
    for (const char c : label) {
      if (!is_name_byte(c)) {
        refuse(text,
               "only letters, digits, '-', '_' and '.' may stand in a name (write an "
               "international name in its xn-- form)");
      }
    }
  }
  if (looks_like_number(labels.back())) {
    refuse(text, "it reads like an address; write all of it, as in 192.0.2.1");
  }
}

/// "*.com" or "*.co.uk": everybody's names. The list of such suffixes is longer than this; what is
/// caught here are the slips of the pen.
bool is_public_suffix(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kSecondLevel = {
      "ac", "co", "com", "edu", "gov", "go", "ne", "net", "or", "org"};
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return true;
  const std::string_view top = name.substr(dot + 1);
  return top.size() == 2 && std::find(kSecondLevel.begin(), kSecondLevel.end(),
                                      name.substr(0, dot)) != kSecondLevel.end();
}

std::uint16_t parse_port(std::string_view port, std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  const bool digits = error == std::errc{} && end == port.data() + port.size();
  if (!digits || port.size() > 5 || value < 1 || value > 65535) {
    refuse(text, "the port must be a number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(value);
}

}  // namespace

HostPattern HostPattern::parse(std::string_view text) {
  if (text.empty()) refuse(text, "it is empty");
  if (text.find('\0') != std::string_view::npos) refuse(text, "it holds a NUL byte");
  if (text.find("://") != std::string_view::npos) {
    refuse(text, "write the host alone, without the URL's scheme and path");
  }
  HostPattern pattern;
  if (const auto address = canonical_address(text)) {
    if (*address == "0.0.0.0" || *address == "::") refuse(text, "no host has this address");
    pattern.name_ = *address;
    pattern.address_ = true;
    return pattern;
  }
  std::string name = base::to_lower(text);
  if (name == "*") refuse(text, "it would allow every host; name the hosts, or '*.example.com'");
  if (name.back() == '.') refuse(text, "leave out the dot at its end");
  if (name.size() > kMaxName) refuse(text, "it is longer than 253 bytes");
  if (name.starts_with("*.")) {
    pattern.wildcard_ = true;
    name.erase(0, 2);
  }
  check_labels(name, text);
  if (pattern.wildcard_ && is_public_suffix(name)) {
    refuse(text, "it would allow a whole public suffix; name a domain, as in '*.example.com'");
  }
  pattern.name_ = std::move(name);
  return pattern;
}

bool HostPattern::matches(std::string_view name) const {
  if (address_) return canonical_address(name) == name_;
  const std::string lower = base::to_lower(name);
  if (!wildcard_) return lower == name_;
  if (lower.size() < name_.size() + 2 || lower.size() > kMaxName) return false;
  const std::string_view prefix =
      std::string_view(lower).substr(0, lower.size() - name_.size() - 1);
  if (!lower.ends_with(name_) || lower[prefix.size()] != '.') return false;
  // Each label that the star stands for must be one: no empty label, no byte a name cannot hold.
  bool label_begun = false;
  for (const char c : prefix) {
    if (c == '.' ? !label_begun : !is_name_byte(c)) return false;
    label_begun = c != '.';
  }
  return label_begun;
}

bool HostPattern::is_loopback() const {
  if (!address_) return !wildcard_ && name_ == "localhost";
  return name_ == "::1" || (name_.starts_with("127.") && name_.find(':') == std::string::npos);
}

HostAndPort parse_host_and_port(std::string_view text) {
  std::string_view host = text;
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) refuse(text, "the bracket is not closed");
    host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') refuse(text, "only ':PORT' may follow the bracket");
    if (!rest.empty()) port = rest.substr(1);
    if (host.find(':') == std::string_view::npos) refuse(text, "brackets are for IPv6 addresses");
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && colon == text.rfind(':')) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (text.find("://") != std::string_view::npos) host = text;  // refused with the right words
  HostAndPort result{HostPattern::parse(host), 0};
  if (port) result.port = parse_port(*port, text);
  return result;
}

}  // namespace sandbox_run::policy
