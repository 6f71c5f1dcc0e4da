#include "cli/review/style.h"

#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/format.h"

namespace sandbox_run::cli {

Style Style::for_stream(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool refused = no_color != nullptr && *no_color != '\0';
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return Style(::isatty(fd) != 0 && !refused && !dumb ? Colours::on : Colours::off);
}

std::string Style::in(const char* code, std::string_view text) const {
  if (colours_ == Colours::off || text.empty()) return std::string(text);
  return base::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string size_words(std::uint64_t bytes) {
  if (bytes < 1000) return counted(bytes, "byte", "bytes");
  constexpr std::array kUnits{"KB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return value < 9.95 ? base::format("{:.1f} {}", value, kUnits[unit])
                      : base::format("{:.0f} {}", value, kUnits[unit]);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return base::format("{} {}", count, count == 1 ? one : many);
}

}  // namespace sandbox_run::cli
