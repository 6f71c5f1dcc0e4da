#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/leak_finder.h"

namespace sandbox_run::watch {

/// A value that must turn up nowhere, and where it stands.
struct DecoyValue {
  std::string source;  // the decoy's path, or its variable's name
  std::string value;   // random bytes, at least kLeastFound of them
};

/// Finds decoy values in other bytes, also in pieces: plain, percent-encoded, hexadecimal, base 32
/// and base 64 (both alphabets, at any offset in what was encoded), in either case of letters: DNS
/// changes it. Whatever was compressed or encrypted is not found. Pure.
class DecoyMatcher : public policy::LeakFinder {
 public:
  /// A piece of this many characters, in its encoded form, is surely found; a shorter one perhaps.
  static constexpr std::size_t kLeastFound = 15;

  explicit DecoyMatcher(const std::vector<DecoyValue>& values);

  std::optional<policy::Leak> find(std::string_view bytes) const override;
  bool empty() const { return windows_.empty(); }

 private:
  /// 12 characters: chance alone would not bring them about.
  struct Window {
    std::uint64_t head = 0;
    std::uint32_t tail = 0;
    friend bool operator==(const Window&, const Window&) = default;
  };
  struct WindowHash {
    std::size_t operator()(const Window& window) const;
  };
  struct Form {
    std::uint32_t source;
    const char* encoding;
  };

  static Window window_at(const char* text);
  void add(std::uint32_t source, const char* encoding, std::string_view text);
  std::optional<policy::Leak> find_as_is(std::string_view bytes) const;

  std::vector<std::string> sources_;
  std::unordered_map<Window, Form, WindowHash> windows_;
  std::bitset<65536> perhaps_;  // by hash: most text is told apart without a look at the map
};

}  // namespace sandbox_run::watch
