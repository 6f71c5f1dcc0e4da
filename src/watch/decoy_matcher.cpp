// Windows of every form of every value, each a few characters further on; text is looked through
// window by window.

#include "watch/decoy_matcher.h"

#include <cstring>

#include "base/encoding.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kWindow = 12;
constexpr std::size_t kStride = 4;
static_assert(kWindow + kStride - 1 == DecoyMatcher::kLeastFound);

/// One alphabet for all: letters small, base 64 of URLs as the plain one.
char normal(char character) {
  if (character >= 'A' && character <= 'Z') return static_cast<char>(character - 'A' + 'a');
  if (character == '-') return '+';
  if (character == '_') return '/';
  return character;
}

std::string normalised(std::string_view text) {
  std::string result(text);
  for (char& character : result) character = normal(character);
  return result;
}

/// RFC 4648, section 6, in small letters and without padding: whole groups of five bytes only.
std::string base32_encode(std::string_view bytes) {
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text;
  unsigned held = 0;
  unsigned bits = 0;
  for (const char byte : bytes.substr(0, bytes.size() - bytes.size() % 5)) {
    held = (held << 8U | static_cast<unsigned char>(byte)) & 0xFFFU;
    for (bits += 8; bits >= 5; bits -= 5) text += kDigits[held >> (bits - 5) & 31U];
  }
  return text;
}

/// Of what is the same in every key of its kind. A window of hex is six bytes: with these four
/// among them, one of a thousand keys of other people would be taken for the decoy.
std::size_t prefix_length(std::string_view value) {
  for (const std::string_view prefix : {"AKIA", "ghp_", "npm_"}) {
    if (value.starts_with(prefix)) return prefix.size();
  }
  return 0;
}

int hex_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  const char small = normal(character);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    result += low >= 0 ? static_cast<char>(high * 16 + low) : text[i];
    if (low >= 0) i += 2;
  }
  return result;
}

}  // namespace

std::size_t DecoyMatcher::WindowHash::operator()(const Window& window) const {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;  // 2^64 divided by the golden ratio
  return static_cast<std::size_t>((window.head ^ window.tail) * kOdd >> 16U);
}

DecoyMatcher::Window DecoyMatcher::window_at(const char* text) {
  Window window;
  std::memcpy(&window.head, text, sizeof window.head);
  std::memcpy(&window.tail, text + sizeof window.head, sizeof window.tail);
  return window;
}

DecoyMatcher::DecoyMatcher(const std::vector<DecoyValue>& values) {
  for (const DecoyValue& decoy : values) {
    const auto source = static_cast<std::uint32_t>(sources_.size());
    const std::string_view value = decoy.value;
    sources_.push_back(decoy.source);
    add(source, "plain", value);
    add(source, "hex", base::hex_encode(value.substr(prefix_length(value))));
    // What is encoded may begin before the value: then its groups begin within.
    for (std::size_t skip = 0; skip < 3 && skip < value.size(); ++skip) {
      const std::string_view rest = value.substr(skip);
      add(source, "base64", base::base64_encode(rest.substr(0, rest.size() - rest.size() % 3)));
    }
    for (std::size_t skip = 0; skip < 5 && skip < value.size(); ++skip) {
      add(source, "base32", base32_encode(value.substr(skip)));
    }
  }
}

void DecoyMatcher::add(std::uint32_t source, const char* encoding, std::string_view text) {
  const std::string normal_text = normalised(text);
  for (std::size_t at = 0; at + kWindow <= normal_text.size(); at += kStride) {
    const Window window = window_at(normal_text.data() + at);
    if (windows_.emplace(window, Form{source, encoding}).second) {
      perhaps_.set(WindowHash()(window) % perhaps_.size());
    }
  }
}

std::optional<policy::Leak> DecoyMatcher::find_as_is(std::string_view bytes) const {
  if (bytes.size() < kWindow || windows_.empty()) return std::nullopt;
  const std::string text = normalised(bytes);
  for (std::size_t at = 0; at + kWindow <= text.size(); ++at) {
    const Window window = window_at(text.data() + at);
    if (!perhaps_.test(WindowHash()(window) % perhaps_.size())) continue;
    const auto found = windows_.find(window);
    if (found == windows_.end()) continue;
    return policy::Leak{sources_[found->second.source], found->second.encoding};
  }
  return std::nullopt;
}

std::optional<policy::Leak> DecoyMatcher::find(std::string_view bytes) const {
  if (auto leak = find_as_is(bytes)) return leak;
  if (bytes.find('%') == std::string_view::npos) return std::nullopt;
  auto leak = find_as_is(percent_decoded(bytes));
  if (leak && leak->encoding == "plain") leak->encoding = "url";
  return leak;
}

}  // namespace sandbox_run::watch
