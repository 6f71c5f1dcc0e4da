#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// What the fuzz targets have in common.

// FUZZ_TARGET(name, data, size) { … return 0; }: libFuzzer's entry, one a program; or, where
// corpora are replayed, one of many in a program that is linked once.
#ifdef SANDBOX_RUN_REPLAY
#define FUZZ_TARGET(name, data, size)                                 \
  static int run_##name(const std::uint8_t*, std::size_t);            \
  static const bool is_known_##name =                                 \
      sandbox_run::fuzz::targets().emplace(#name, run_##name).second; \
  static int run_##name(const std::uint8_t*(data), std::size_t(size))
#else
#define FUZZ_TARGET(name, data, size) \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t*(data), std::size_t(size))
#endif

namespace sandbox_run::fuzz {

using Target = int (*)(const std::uint8_t* data, std::size_t size);

/// By name.
inline std::map<std::string, Target>& targets() {
  static std::map<std::string, Target> all;
  return all;
}

inline void require(bool condition) {
  if (!condition) std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// `count` texts: lines of "%%" stand between them. The last one has all that is left; those that
/// are not there are empty.
inline std::vector<std::string> texts_of(const std::uint8_t* data, std::size_t size,
                                         std::size_t count) {
  constexpr std::string_view kBetween = "\n%%\n";
  std::string_view rest = text_of(data, size);
  std::vector<std::string> texts;
  while (texts.size() + 1 < count) {
    const std::size_t end = rest.find(kBetween);
    texts.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kBetween.size());
  }
  texts.emplace_back(rest);
  return texts;
}

inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

/// What would move the cursor, or end a line, of whoever reads it on a terminal.
inline bool has_control(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  }
  return false;
}

/// A path that leads nowhere but down.
inline bool stays_beneath(std::string_view path) {
  if (path.empty() || path.front() == '/') return false;
  while (true) {
    const std::size_t end = path.find('/');
    if (path.substr(0, end) == "..") return false;
    if (end == std::string_view::npos) return true;
    path.remove_prefix(end + 1);
  }
}

}  // namespace sandbox_run::fuzz
