#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sandbox_run::cli {

/// Colours, where they mean something to who reads.
class Style {
 public:
  enum class Colours { off, on };
  explicit Style(Colours colours) : colours_(colours) {}
  /// On for a terminal, unless NO_COLOR is set (no-color.org) or TERM is "dumb".
  static Style for_stream(int fd);

  std::string added(std::string_view text) const { return in("32", text); }
  std::string removed(std::string_view text) const { return in("31", text); }
  std::string changed(std::string_view text) const { return in("33", text); }
  std::string alert(std::string_view text) const { return in("1;31", text); }
  std::string strong(std::string_view text) const { return in("1", text); }
  std::string faint(std::string_view text) const { return in("2", text); }

 private:
  std::string in(const char* code, std::string_view text) const;
  Colours colours_;
};

/// "80 bytes", "1.2 KB", "36 MB": powers of 1,000.
std::string size_words(std::uint64_t bytes);
/// "1 change", "2 changes".
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);

}  // namespace sandbox_run::cli
