#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sandbox_run::policy {

/// What of a decoy was found, and how it was wrapped.
struct Leak {
  std::string source;    // "/home/u/.aws/credentials", or the variable's name
  std::string encoding;  // "plain", "base64", "hex", "base32", "url"
  friend bool operator==(const Leak&, const Leak&) = default;
};

/// Asked by whoever sees bytes on their way out: arguments, names that are looked up, the first
/// bytes of a connection. The broker knows this interface only; watch/decoy_matcher.h fills it in.
class LeakFinder {
 public:
  virtual ~LeakFinder() = default;
  /// The first decoy value in `bytes`, whole or a long enough part of it; nullopt: none. Costs a
  /// few nanoseconds a byte, never throws for what is in `bytes`.
  virtual std::optional<Leak> find(std::string_view bytes) const = 0;
};

}  // namespace sandbox_run::policy
